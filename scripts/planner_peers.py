#!/usr/bin/env python3
"""Solves one instance of the planner's benchmark with one general solver; called by bench_planner.py.

    planner_peers.py SOLVER INSTANCE LIMIT

SOLVER is `highs` or `cbc`, INSTANCE a JSON file of arrays objective[layer][candidate], weight[budget][layer][candidate]
and limit[budget], LIMIT the seconds it may take. Prints `solving` whenever a model is built, and one line of JSON.

Such solvers compare with absolute tolerances near 1e-6. The objective is scaled so that the mean range of a layer is
1e6, each budget to a limit of 1e6; both solvers are asked for an optimum without a gap, on one thread.
"""

import json
import pathlib
import re
import statistics
import sys
import tempfile
import time

SCALE = 1e6
# Runs of which the median counts, where the first takes no longer than SLOW seconds.
REPEATS, SLOW = 5, 1.0
# CBC reports hundredths of a second, rounded.
CBC_RESOLUTION = 0.01


def scaled(instance):
    """Objective above the smallest of each layer, and budgets, in the units of a solver."""
    ranges = [max(layer) - min(layer) for layer in instance["objective"]]
    factor = SCALE / (sum(ranges) / len(ranges)) if any(ranges) else 1.0
    objective = [[(x - min(layer)) * factor for x in layer] for layer in instance["objective"]]
    rows = [
        [[w / max(limit, 1) * SCALE for w in layer] for layer in weight]
        for weight, limit in zip(instance["weight"], instance["limit"])
    ]
    return objective, rows, [SCALE if limit else 0.0 for limit in instance["limit"]]


def chosen(values, objective):
    """Index of the largest value in each layer."""
    choice, start = [], 0
    for layer in objective:
        part = values[start : start + len(layer)]
        choice.append(max(range(len(part)), key=part.__getitem__))
        start += len(layer)
    return choice


def highs(objective, rows, limits, limit):
    """Status, choice, seconds and nodes of HiGHS."""
    import highspy
    import numpy

    flat = numpy.array([x for layer in objective for x in layer])
    layer_of = [l for l, layer in enumerate(objective) for _ in layer]
    columns, layers = len(flat), len(objective)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns, layers + len(rows)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = flat, numpy.zeros(columns), numpy.ones(columns)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * columns
    lp.row_lower_ = numpy.array([1.0] * layers + [-highspy.kHighsInf] * len(rows))
    lp.row_upper_ = numpy.array([1.0] * layers + limits)
    weights = numpy.array([[w for layer in row for w in layer] for row in rows])
    height = 1 + len(rows)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = numpy.arange(columns + 1) * height
    index = [[l, *range(layers, layers + len(rows))] for l in layer_of]
    lp.a_matrix_.index_ = numpy.array(index).ravel()
    lp.a_matrix_.value_ = numpy.vstack([numpy.ones(columns), weights]).T.ravel()
    solver = highspy.Highs()
    options = {"output_flag": False, "mip_rel_gap": 0.0, "time_limit": limit, "threads": 1}
    for name, value in options.items():
        solver.setOptionValue(name, value)
    solver.passModel(lp)
    print("solving", flush=True)
    start = time.perf_counter()
    solver.run()
    seconds = time.perf_counter() - start
    model, info = solver.getModelStatus(), solver.getInfo()
    status = {
        highspy.HighsModelStatus.kOptimal: "claimed",
        highspy.HighsModelStatus.kTimeLimit: "time",
        highspy.HighsModelStatus.kInfeasible: "infeasible",
    }.get(model, solver.modelStatusToString(model))
    known = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    choice = chosen(list(solver.getSolution().col_value), objective) if known else None
    return status, choice, seconds, info.mip_node_count


def cbc(objective, rows, limits, limit):
    """Status, choice, seconds and nodes of CBC, through PuLP; the seconds are those that CBC reports for its search."""
    import pulp

    problem = pulp.LpProblem("plan", pulp.LpMinimize)
    names = [[f"x{l}_{c}" for c in range(len(layer))] for l, layer in enumerate(objective)]
    x = [[pulp.LpVariable(n, cat="Binary") for n in layer] for layer in names]
    terms = [(v, w) for vs, ws in zip(x, objective) for v, w in zip(vs, ws)]
    problem += pulp.LpAffineExpression(terms)
    for layer in x:
        problem += pulp.LpAffineExpression([(v, 1.0) for v in layer]) == 1
    for row, right in zip(rows, limits):
        problem += pulp.LpAffineExpression([(v, w) for vs, ws in zip(x, row) for v, w in zip(vs, ws)]) <= right
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log")
        solver = pulp.PULP_CBC_CMD(msg=False, timeLimit=limit, gapRel=0.0, threads=1, logPath=str(log))
        solver.tmpDir = folder
        print("solving", flush=True)
        start = time.perf_counter()
        problem.solve(solver)
        whole = time.perf_counter() - start
        text = log.read_text()
    reported = re.search(r"^Time \(Wallclock seconds\):\s+([\d.]+)", text, re.MULTILINE)
    nodes = re.search(r"^Enumerated nodes:\s+(\d+)", text, re.MULTILINE)
    found = {pulp.LpSolutionOptimal: "claimed", pulp.LpSolutionIntegerFeasible: "time"}
    # Stopped in the first relaxation, CBC says infeasible too.
    late = whole >= limit or "Stopped" in text
    status = found.get(problem.sol_status, "none" if late else pulp.LpStatus[problem.status].lower())
    known = problem.sol_status in found
    choice = chosen([v.value() or 0.0 for layer in x for v in layer], objective) if known else None
    seconds = max(float(reported[1]), CBC_RESOLUTION / 2) if reported else whole
    return status, choice, seconds, int(nodes[1]) if nodes else None


def main():
    """Reads, scales, solves, prints."""
    solver, path, limit = sys.argv[1:]
    instance = json.loads(pathlib.Path(path).read_text())
    model, times = scaled(instance), []
    while not times or times[-1] <= SLOW and len(times) < REPEATS:
        status, choice, seconds, nodes = {"highs": highs, "cbc": cbc}[solver](*model, float(limit))
        times.append(seconds)
    seconds = statistics.median(times)
    answer = {"status": status, "choice": choice, "seconds": seconds, "runs": len(times), "nodes": nodes}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
