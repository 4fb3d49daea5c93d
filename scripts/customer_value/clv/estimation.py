"""Fit the models behind predicted lifetime value: Pareto/NBD, BG/NBD, MBG/NBD for purchases, Gamma-Gamma for spend.

Numpy and scipy alone, no dbt: arrays in, a Fit out. Nothing is drawn at random, so equal rows give equal parameters, in
whatever order they come. macros/clv has the same models as SQL, for scoring.

A row is a customer, or a bin of customers that are alike:

    x          repeat purchase days, 0 or more; several orders of one day are one purchase
    t_x        days from the first purchase day to the last one, 0 where x = 0
    T          days from the first purchase day to the as-of date, t_x <= T
    m          mean spend per repeat purchase day, reporting currency
    customers  how many customers the row stands for

Sources: Schmittlein, Morrison and Colombo 1987 (Pareto/NBD); Fader, Hardie and Lee 2005 (BG/NBD); Batislam, Denizel and
Filiztekin 2007 (MBG/NBD); Fader and Hardie 2013 (Gamma-Gamma).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln, psi
from threadpoolctl import threadpool_limits

MIN_REPEAT_CUSTOMERS = 50  # fewer repeat customers than this say too little about four parameters
NO_CHURN_SHARE = 0.99  # this share still alive after the longest observation: as good as nobody is seen to leave
WINSOR_SHARE = 0.999  # mean spends above this quantile of the customers are taken down to it
MAX_MEAN_RATIO = 2.0  # a modelled mean spend above so many means of the data is no mean: the tail has taken over
MIN_SPREAD = 1e-6  # relative; mean spends that differ by no more are one and the same
MAX_GRADIENT = 1e-6  # per customer and logarithm of a parameter; a fit with a larger one has not converged
OPTIMUM_GRADIENT = 1e-12  # what rounding leaves of it at the optimum
DECAY = 36.0  # e^-36 of its start is nothing to a double: where the integrand of the Pareto/NBD may be cut


Quadrature = tuple[np.ndarray, np.ndarray]


def _quadrature(count: int) -> Quadrature:
    """Return nodes of Gauss and Legendre within 0 and 1, and the logarithms of their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, np.log(weights / 2)


EXACT = _quadrature(24)
ROUGH = _quadrature(8)  # enough to come near an optimum


@dataclass(frozen=True)
class Fit:
    """What a fit gave. parameters is empty where state says that there is none."""

    model: str
    state: str  # fitted, no churn, at a bound, or refused
    note: str  # a sentence for whoever wonders; empty where there is nothing to say
    customers: int  # customers that the fit rests on
    repeat_customers: int  # ... of whom with a repeat purchase
    is_converged: bool
    log_likelihood: float | None = None
    parameters: dict[str, float] = field(default_factory=dict)

    @property
    def is_usable(self) -> bool:
        """Tell whether customers can be scored with it."""
        return self.is_converged and bool(self.parameters)


# --- log likelihoods: value per row, and its derivatives by the parameters, shape (parameters, rows)


def pareto_nbd(
    parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, quadrature: Quadrature = EXACT
) -> tuple[np.ndarray, np.ndarray]:
    """Return log likelihoods per row and derivatives by r, alpha, s, beta, shape (4, rows).

    parameters: r, alpha, s, beta, positive; alpha and beta in the unit of t_x and T. x, t_x, T: shape (rows,).

    L = Gamma(r + x) / Gamma(r) alpha^r beta^s
        * ((alpha + T)^-(r + x) (beta + T)^-s + s int_{t_x}^{T} (alpha + y)^-(r + x) (beta + y)^-(s + 1) dy)

    The usual form has 2F1, whose series diverges for realistic customers; the integral is smooth in ln(y + m), with
    m = min(alpha, beta), and 24 Gauss-Legendre nodes give it to 1e-12.
    """
    r, alpha, s, beta = parameters
    nodes, log_weights = quadrature
    R, m = r + x, min(alpha, beta)
    reach = np.minimum(T, t_x + (alpha + t_x) * np.expm1(np.minimum(DECAY / R, DECAY)))
    start = np.log(m + t_x)
    span = np.log(m + reach) - start
    log_m = start[:, None] + span[:, None] * nodes
    with_m = np.exp(log_m)
    with_a, with_b = with_m + (alpha - m), with_m + (beta - m)
    log_a, log_b = (log_m, np.log(with_b)) if m == alpha else (np.log(with_a), log_m)
    with np.errstate(divide="ignore"):  # log 0 for a customer who bought on the as-of date: the integral is 0
        front = np.log(s * span)
    logs = log_m + log_weights + front[:, None] - R[:, None] * log_a - (s + 1) * log_b
    alive = -R * np.log(alpha + T) - s * np.log(beta + T)
    top = np.maximum(alive, logs.max(axis=1))
    shares, alive_share = np.exp(logs - top[:, None]), np.exp(alive - top)
    total = shares.sum(axis=1) + alive_share
    shares, alive_share = shares / total[:, None], alive_share / total
    gone = shares.sum(axis=1)
    values = gammaln(R) - gammaln(r) + r * math.log(alpha) + s * math.log(beta) + top + np.log(total)
    slopes = np.array([
        psi(R) - psi(r) + math.log(alpha) - alive_share * np.log(alpha + T) - np.einsum("ij,ij->i", shares, log_a),
        r / alpha - R * (alive_share / (alpha + T) + (shares / with_a).sum(axis=1)),
        math.log(beta) - alive_share * np.log(beta + T) - np.einsum("ij,ij->i", shares, log_b) + gone / s,
        s / beta - s * alive_share / (beta + T) - (s + 1) * (shares / with_b).sum(axis=1),
    ])  # fmt: skip
    return values, slopes


def _beta_geometric(parameters, x, t_x, T, kept, lost):
    """Return what BG/NBD and MBG/NBD share; kept: chances to leave survived, lost: divisor of a in the odds."""
    r, alpha, a, b = parameters
    R = r + x
    with np.errstate(divide="ignore"):  # log 0 where a customer cannot have left
        log_odds = np.log(a / lost) + R * np.log((alpha + T) / (alpha + t_x))
    gone = expit(log_odds)
    values = (
        gammaln(R) - gammaln(r) + r * math.log(alpha) - R * np.log(alpha + T) + np.logaddexp(0, log_odds)
        + gammaln(b + kept) - gammaln(b) + gammaln(a + b) - gammaln(a + b + kept)
    )  # fmt: skip
    slopes = np.array([
        psi(R) - psi(r) + math.log(alpha) - (1 - gone) * np.log(alpha + T) - gone * np.log(alpha + t_x),
        r / alpha - R * ((1 - gone) / (alpha + T) + gone / (alpha + t_x)),
        psi(a + b) - psi(a + b + kept) + gone / a,
        psi(a + b) - psi(a + b + kept) + psi(b + kept) - psi(b) - gone / lost,
    ])  # fmt: skip
    return values, slopes


def bg_nbd(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log likelihoods per row and derivatives by r, alpha, a, b, shape (4, rows).

    A customer may leave after each repeat purchase: one without any cannot have left.
    """
    return _beta_geometric(parameters, x, t_x, T, x, np.where(x > 0, parameters[3] + x - 1, np.inf))


def mbg_nbd(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log likelihoods per row and derivatives by r, alpha, a, b, shape (4, rows).

    A customer may leave after each purchase, the first one too.
    """
    return _beta_geometric(parameters, x, t_x, T, x + 1, parameters[3] + x)


def gamma_gamma(parameters: np.ndarray, x: np.ndarray, m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log likelihoods per row and derivatives by p, q, gamma, shape (3, rows). x at least 1, m positive.

    L = Gamma(p x + q) / (Gamma(p x) Gamma(q)) gamma^q m^(p x - 1) x^(p x) / (gamma + x m)^(p x + q)
    """
    p, q, gamma = parameters
    px, log_sum = p * x, np.log(gamma + x * m)
    values = (
        gammaln(px + q) - gammaln(px) - gammaln(q) + q * math.log(gamma)
        + (px - 1) * np.log(m) + px * np.log(x) - (px + q) * log_sum
    )  # fmt: skip
    slopes = np.array([
        x * (psi(px + q) - psi(px) + np.log(m * x) - log_sum),
        psi(px + q) - psi(q) + math.log(gamma) - log_sum,
        q / gamma - (px + q) / (gamma + x * m),
    ])  # fmt: skip
    return values, slopes


# --- fits

# parameter -> bounds of its natural logarithm, times in units of the mean observation
RATE = {"r": (-7.0, 7.0), "alpha": (-12.0, 9.0)}
LIFETIME = {"s": (-9.0, 7.0), "beta": (-12.0, 9.0)}
DROPOUT = {"a": (-9.0, 2.3), "b": (-9.0, 7.0)}
# the likelihood, one that is cheaper and will do to come near the optimum, and the bounds
MODELS = {
    "pareto_nbd": (pareto_nbd, partial(pareto_nbd, quadrature=ROUGH), RATE | LIFETIME),
    "mbg_nbd": (mbg_nbd, mbg_nbd, RATE | DROPOUT),
    "bg_nbd": (bg_nbd, bg_nbd, RATE | DROPOUT),
}
TIMES = ("alpha", "beta")
STARTS = [
    (rate, rate * gap, other, second)
    for rate in (0.3, 1.0, 3.0)
    for gap in (0.1, 1.0)
    for other in (0.3, 1.5)
    for second in (0.3, 2.0)
]
ROWS_TO_START = 2000  # about so many rows are enough to choose among the starts
ROWS_TO_COME_NEAR = 8000  # ... and so many to come near the optimum
SAME_END = 1e-3  # searches that end this near to each other, in logarithms, go on as one
STEADY_SHRINKING = 0.2  # while a step leaves no more of the gradient, the curvature is good enough for the next one
ROWS_AT_ONCE = 2048  # whose intermediate results stay in a processor's cache
NO_VALUE = 1e300  # where a likelihood cannot be had
Likelihood = Callable[..., tuple[np.ndarray, np.ndarray]]
Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]
SPEND_STARTS = [(p, q, scale) for p in (1.0, 5.0) for q in (2.0, 5.0) for scale in (0.5, 2.0)]


def fit_purchases(
    model: str,
    x: np.ndarray,
    t_x: np.ndarray,
    T: np.ndarray,
    customers: np.ndarray | None = None,
    minimum: int = MIN_REPEAT_CUSTOMERS,
) -> Fit:
    """Fit pareto_nbd, mbg_nbd or bg_nbd to rows; all arrays of shape (rows,), times in one unit, that of the result.

    customers: 1 for each row unless given. minimum: repeat customers below which the fit is refused.
    Raises ValueError for an unknown model or rows that cannot be (x or t_x negative, t_x > T, not finite).
    """
    if model not in MODELS:
        raise ValueError(f"model must be one of {', '.join(MODELS)}; it is {model}")
    x, t_x, T, customers = _rows(x, t_x, T, customers)
    if len(x) and (min(x.min(), t_x.min()) < 0 or (t_x > T).any()):
        raise ValueError("x and t_x must not be negative, nor t_x above T")
    found = {"model": model, "customers": round(customers.sum()), "repeat_customers": round(customers[x > 0].sum())}
    if reason := _too_few(found["repeat_customers"], minimum):
        return Fit(**found, state="refused", note=reason, is_converged=False)
    likelihood, rough, bounds = MODELS[model]
    unit = np.average(T, weights=customers)

    names = list(bounds)
    rows = (x, t_x / unit, T / unit, customers)
    best, is_converged, at_bound = _maximised(
        likelihood, rough, rows, list(bounds.values()), np.log(STARTS), np.zeros(4)
    )
    parameters = dict(zip(names, best.tolist(), strict=True))
    parameters |= {name: parameters[name] * float(unit) for name in TIMES if name in parameters}
    values, _ = likelihood(np.array(list(parameters.values())), x, t_x, T)
    state, note = _described(parameters, [names[i] for i in at_bound], float(T.max()), x, customers)
    return Fit(
        **found,
        state=state if is_converged else "refused",
        note=note if is_converged else "the fit did not converge",
        is_converged=is_converged,
        log_likelihood=float(values @ customers),
        parameters=parameters if is_converged else {},
    )


def fit_spend(
    x: np.ndarray,
    m: np.ndarray,
    customers: np.ndarray | None = None,
    minimum: int = MIN_REPEAT_CUSTOMERS,
    winsor_share: float = WINSOR_SHARE,
) -> Fit:
    """Fit Gamma-Gamma to rows of repeat customers; all arrays of shape (rows,), m in the currency of the result.

    Rows without a repeat purchase or with m <= 0 are left out; means above the quantile winsor_share (1: none) are
    taken down to it. q is kept above 1, where the expected spend is finite; a fit that expects of a new
    customer what is beyond the data all the same is refused. Raises ValueError for what is not finite.
    """
    x, m, customers = _rows(x, m, customers)
    keep = (x > 0) & (m > 0)
    left_out = round(customers[(x > 0) & ~keep].sum())
    x, m, customers = x[keep], m[keep], customers[keep]
    count = round(customers.sum())
    found = {"model": "gamma_gamma", "customers": count, "repeat_customers": count}
    if reason := _too_few(count, minimum):
        return Fit(**found, state="refused", note=reason, is_converged=False)
    notes = [f"{left_out} repeat customers without a positive spend are left out"] if left_out else []
    order = np.argsort(m, kind="stable")
    reached = np.cumsum(customers[order]) >= winsor_share * count
    m = np.minimum(m, m[order][np.argmax(reached)])
    mean = float(np.average(m, weights=customers))
    if m.max() - m.min() <= MIN_SPREAD * mean:
        notes.append("all customers spend the same")
        return Fit(**found, state="refused", note="; ".join(notes), is_converged=False)

    bounds = [(-7.0, 9.0), (-5.0, 7.0), (-9.0, 12.0)]
    floor = np.array([0.0, 1.0, 0.0])
    starts = np.log([(p, q - 1, scale * (q - 1) / p) for p, q, scale in SPEND_STARTS])
    best, is_converged, at_bound = _maximised(gamma_gamma, gamma_gamma, (x, m / mean, customers), bounds, starts, floor)
    best[2] *= mean
    p, q, gamma = best
    is_heavy = p * gamma / (q - 1) > MAX_MEAN_RATIO * mean
    if not is_converged:
        notes.append("the fit did not converge")
    if is_heavy:
        notes.append("a few spend so much that the model expects more of everyone than was ever seen")
    if at_bound:
        notes.append(f"at a bound: {', '.join('pqg'[i].replace('g', 'gamma') for i in at_bound)}")
    values, _ = gamma_gamma(best, x, m)
    return Fit(
        **found,
        state="refused" if not is_converged or is_heavy else "at a bound" if at_bound else "fitted",
        note="; ".join(notes),
        is_converged=is_converged,
        log_likelihood=float(values @ customers),
        parameters=dict(zip(("p", "q", "gamma"), best.tolist(), strict=True)) if is_converged and not is_heavy else {},
    )


def _rows(*columns: np.ndarray | None) -> list[np.ndarray]:
    """Return columns as doubles in one fixed order of rows, the last one filled with ones where it is None."""
    *columns, customers = columns
    arrays = [np.asarray(column, dtype=float) for column in columns]
    arrays.append(np.ones(len(arrays[0])) if customers is None else np.asarray(customers, dtype=float))
    if len({array.shape for array in arrays}) > 1 or arrays[0].ndim != 1:
        raise ValueError("all columns must have one dimension and one length")
    if not all(np.isfinite(array).all() for array in arrays) or (arrays[-1] <= 0).any():
        raise ValueError("all numbers must be finite, and customers positive")
    order = np.lexsort(arrays)
    return [array[order] for array in arrays]


def _too_few(repeat_customers: int, minimum: int) -> str:
    """Return why there is no fit, or nothing."""
    if repeat_customers >= max(minimum, 1):
        return ""
    return f"{repeat_customers} repeat customers; a fit takes {max(minimum, 1)}"


@threadpool_limits.wrap(limits=1)  # matrices of 4 x 4: more threads wait at full speed, and may move the last digit
def _maximised(
    likelihood: Likelihood,
    rough: Likelihood,
    rows: tuple[np.ndarray, ...],
    bounds: list[tuple[float, float]],
    starts: np.ndarray,
    floor: np.ndarray,
) -> tuple[np.ndarray, bool, list[int]]:
    """Return the most likely parameters, floor + exp(logs), whether they are that, and which are at a bound.

    rough: a cheaper likelihood, near the other one. rows: the columns of the likelihood, and customers. Every so many
    rows are enough to choose among the starts, and some more to come near the optimum and to say how the likelihood
    curves there. Newton steps by that curvature and the gradient of all rows then reach it in far fewer evaluations
    than a search would take; where they do not, at a bound, say, all rows are searched. Either way the result rests on
    the data and not on where a search stopped.
    """
    lower, upper = np.array(bounds).T
    draft, near = (
        _of_logs(rough, tuple(column[:: max(len(column) // some, 1)] for column in rows), floor)
        for some in (ROWS_TO_START, ROWS_TO_COME_NEAR)
    )
    final = _of_logs(likelihood, rows, floor)
    first = sorted(range(len(starts)), key=lambda i: draft(starts[i])[0])[:3]
    ends: list[np.ndarray] = []
    for i in first:
        end = _descended(draft, starts[i], bounds)
        if all(abs(end - other).max() > SAME_END for other in ends):
            ends.append(end)
    # a few rows can lead to where nobody leaves, with no way back: so the best start goes on from where it is, too
    ends = [_descended(near, start, bounds) for start in [*ends, starts[first[0]]]]
    logs = _polished(final, min(ends, key=lambda end: near(end)[0]), lower, upper, curved_as=near)
    if abs(final(logs)[1]).max() > OPTIMUM_GRADIENT:
        logs = _polished(final, _descended(final, logs, bounds), lower, upper, curved_as=final)
    value, slopes = final(logs)
    is_low, is_high = np.isclose(logs, lower, atol=1e-3), np.isclose(logs, upper, atol=1e-3)
    is_pushed = (is_low & (slopes > 0)) | (is_high & (slopes < 0))
    is_converged = bool(value < NO_VALUE and (abs(slopes[~is_pushed]) <= MAX_GRADIENT).all())
    return floor + np.exp(logs), is_converged, np.flatnonzero(is_low | is_high).tolist()


def _of_logs(likelihood: Likelihood, rows: tuple[np.ndarray, ...], floor: np.ndarray) -> Objective:
    """Return the function to minimise: logs of the parameters -> mean negative log likelihood, its derivatives."""
    *columns, customers = rows
    columns.append(customers / customers.sum())
    blocks = [[column[i : i + ROWS_AT_ONCE] for column in columns] for i in range(0, len(customers), ROWS_AT_ONCE)]

    def objective(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, slopes = 0.0, np.zeros(len(logs))
        with np.errstate(all="ignore"):
            for *block, weights in blocks:
                values, derivatives = likelihood(floor + np.exp(logs), *block)
                value -= values @ weights
                slopes -= derivatives @ weights
        slopes *= np.exp(logs)
        if not (np.isfinite(value) and np.isfinite(slopes).all()):
            return NO_VALUE, np.zeros(len(logs))
        return value, slopes

    return objective


def _descended(objective: Objective, start: np.ndarray, bounds: list[tuple[float, float]]) -> np.ndarray:
    """Return where L-BFGS-B ends."""
    options = {"maxiter": 500, "ftol": 1e-14, "gtol": 1e-8}
    return minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x


def _polished(
    objective: Objective, logs: np.ndarray, lower: np.ndarray, upper: np.ndarray, curved_as: Objective
) -> np.ndarray:
    """Return where Newton steps lead from logs, as long as each shrinks the gradient and stays within the bounds.

    curved_as: whose curvature they go by, the objective itself or one like it that is cheaper.
    """
    step, slopes, left = 1e-5, objective(logs)[1], 1.0
    for _ in range(20):
        if left > STEADY_SHRINKING:
            columns = [
                (curved_as(logs + shift)[1] - curved_as(logs - shift)[1]) / (2 * step)
                for shift in step * np.eye(len(logs))
            ]
            curvature = (np.array(columns) + np.array(columns).T) / 2
        # only where it curves: along a ridge, as of the NBD limit, no step is better than another
        eigenvalues, directions = np.linalg.eigh(curvature)
        is_curved = eigenvalues > 1e-6 * eigenvalues[-1]
        directions = directions[:, is_curved]
        move = -directions @ (slopes @ directions / eigenvalues[is_curved])
        trial = logs + move
        trial_slopes = objective(trial)[1]
        is_inside = ((trial > lower) & (trial < upper)).all()
        left = abs(trial_slopes).max() / abs(slopes).max()
        if not is_inside or left >= 1:
            break
        # what the step has shown of the curvature of all rows (the update of Broyden, Fletcher, Goldfarb and Shanno)
        change, foreseen = trial_slopes - slopes, curvature @ move
        if change @ move > 0 and foreseen @ move > 0:
            curvature += np.outer(change, change) / (change @ move) - np.outer(foreseen, foreseen) / (foreseen @ move)
        logs, slopes = trial, trial_slopes
    return logs


def _described(
    parameters: dict[str, float], at_bound: list[str], longest: float, x: np.ndarray, customers: np.ndarray
) -> tuple[str, str]:
    """Return the state of an accepted fit and the note that goes with it."""
    if "s" in parameters:
        staying = (1 + longest / parameters["beta"]) ** -parameters["s"]
    else:
        purchases = float(np.average(x, weights=customers))
        staying = (1 - parameters["a"] / (parameters["a"] + parameters["b"])) ** max(purchases, 1)
    if staying > NO_CHURN_SHARE:
        return "no churn", "nobody is seen to leave (the NBD limit): every customer counts as alive"
    if at_bound:
        return "at a bound", f"at a bound: {', '.join(at_bound)}"
    return "fitted", ""
