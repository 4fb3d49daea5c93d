"""One SQL text, one answer: Spark inside dbt's own process beside DuckDB. The cluster is in test_parity.py.

A file of its own, so that make test-spark can run it beside the cluster's tests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from conftest import Warehouse
from engines import Engine
from spark_servers import SparkKeeper
from test_parity import CORE, same_answer, spark_engine


@pytest.fixture(scope="module")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield Spark inside dbt's own process."""
    with contextlib.closing(SparkKeeper(tmp_path_factory.mktemp("spark_session"), "--session")) as keeper:
        yield spark_engine(keeper)


@pytest.mark.spark
def test_spark_in_one_process_gives_duckdbs_answer(spark_session: Engine, dirty_shop: Warehouse):
    """The shop of all ten sources and all faults.

    No tests: DuckDB ran the data tests on the marts that these are compared with, the cluster runs all of them.
    """
    same_answer(spark_session, dirty_shop, "dirty_shop", ("unit_test", "test"), select=CORE)
    assert spark_session.dbt("docs", "generate").returncode == 0
