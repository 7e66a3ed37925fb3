"""Is the shallow optimizer held back by the top of the paper's grid?

The grid of paper A ends at a rate of 10⁰, and on outputs scaled to [0, 1] that rate wins nearly
every time. Here both optimizers get 10⁰ … 10⁵ as well, 10,000 iterations each (a tenth for the
glass), three starts, on the functions as given and shifted.

    python wider_grid.py            writes results/wider_grid.{json,md}
"""

import statistics

import common

RATES = [10.0**k for k in range(6)]
STARTS = 3


def main() -> None:
    import deepopt
    from deepopt.problems import FUNCTIONS, SphericalSpinGlass

    problems = {}
    for name, problem in FUNCTIONS.items():
        problems[f"{name}, given"] = problem
        if name != "schwefel":  # its minimum is not known once shifted
            problems[f"{name}, shifted"] = problem.shifted(rng=1)
    problems["glass, per spin"] = SphericalSpinGlass(50, rng=0)
    results = {}
    lines = [
        "| function | shallow, 10⁰ | shallow, 10⁰ … 10⁵ | rate "
        "| deep, 10⁰ | deep, 10⁰ … 10⁵ | rate |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, problem in problems.items():
        glass = problem.fmin is None
        row = []
        for method in ("gd", "deep"):
            options = {"learning_rate": RATES, "maxiter": 1000 if glass else 10_000}
            found = [
                deepopt.minimize(problem, method=method, options=options, rng=start)
                for start in range(STARTS)
            ]
            scaled = (lambda f: f / 50) if glass else (lambda f, p=problem: f - p.fmin)
            capped = statistics.median(scaled(float(r.fun_per_run[0])) for r in found)
            best = statistics.median(scaled(r.fun) for r in found)
            rate = statistics.mode(r.learning_rate for r in found)
            results[f"{name}, {method}"] = {"at 1": capped, "best": best, "rate": rate}
            row += [f"{capped:.4g}", f"{best:.4g}", f"{rate:g}"]
        lines.append(f"| {name} | " + " | ".join(row) + " |")
        print(lines[-1], flush=True)
    common.write("wider_grid", results, "\n".join(lines))


if __name__ == "__main__":
    main()
