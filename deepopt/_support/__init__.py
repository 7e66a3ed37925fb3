"""What every room needs and that knows nothing of optimization.

Its modules are what others may use: `checks` of arguments; `results`, the outcomes, with their
`summary`; `options`, and the `ranges` in which they are tuned; `files` that are whole or not there;
`saving` and resuming a call; `progress`; `executors` and `workers`; limits of `memory` and
`threads`; `interrupts`.
"""
