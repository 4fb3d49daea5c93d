"""What the commands in scripts/ call. A command runs with scripts/ on its path, so nothing has to be installed.

project.py, contract.py, quoting.py   where the project is, its vars, its input contract, texts in SQL
dbt.py, processes.py, messages.py     dbt as a process, and what may be said of its errors
steps.py, build.py, summary.py        make build
raw/        what is loaded into the raw tables, on which engine
arrival/    the guard that judges them before anything is built
clv/        fits of predicted value
refresh/    make refresh and make rollback: steps, lock, records
publish/    published versions: rules, and how each engine shows them
privacy/    keys, erased persons, where a person is mentioned
shop/       a generated shop whose truth is known
engines/    throw-away servers of Postgres and Spark, SQL on Spark
"""
