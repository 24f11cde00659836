"""The figures as a person reads them, and what of them is a failure: something lost or out of order."""

from __future__ import annotations

from typing import Any

GROWS = 2.0  # a ratio of medians and of quickest answers above this is called growth


def table(found: dict[str, Any]) -> str:
    lines = [f"{found['machine']['command']}: {found['seconds']} s, {found['machine']}", ""]
    if "calls" in found:
        lines += _calls(found["calls"])
    for key in ("git", "webhooks", "memory_mb", "idle_cpu_percent"):
        if key in found:
            lines += [key, *(f"  {name}: {value}" for name, value in found[key].items()), ""]
    if "growth" in found:
        lines += _growth(found["growth"])
    return "\n".join(lines)


def _calls(calls: dict[str, Any]) -> list[str]:
    head = (
        f"{'16 clients at once':32}{'localhub/s':>11}{'emulate/s':>11}{'ratio':>7}{'p50 ms':>16}{'p99 ms':>18}"
        f"{'CPU ms':>14}{'client':>8}"
    )
    lines = [head]
    behind = []
    for name, each in calls.items():
        ours, theirs = each["localhub"], each["emulate"]
        ratio = ours["per_second"] / theirs["per_second"]
        if ratio < 1:
            behind.append(name)
        p50, p99, cpu = (f"{ours[key]} / {theirs[key]}" for key in ("p50_ms", "p99_ms", "server_cpu_ms"))
        load = max(ours["client_load"], theirs["client_load"])
        lines.append(
            f"{name:32}{ours['per_second']:11}{theirs['per_second']:11}{ratio:7.2f}{p50:>16}{p99:>18}{cpu:>14}{load:8.2f}"
        )
    lines += ["", f"ahead on {len(calls) - len(behind)} of {len(calls)}; behind on: {', '.join(behind) or 'none'}", ""]
    return lines


def _growth(growth: dict[str, Any]) -> list[str]:
    few, many = growth["issues"]
    lines = [f"{'one client, p50 ms':36}{f'{few} issues':>12}{f'{many} issues':>14}{'ratio':>7}{'quickest':>10}"]
    for name, each in growth["calls"].items():
        mark = "  grows" if min(each["ratio"], each["best_ratio"]) > GROWS else ""
        lines.append(f"{name:36}{each['few_ms']:12}{each['many_ms']:14}{each['ratio']:7}{each['best_ratio']:10}{mark}")
    return [*lines, f"filled in {growth['filled_s']} s; memory with {many}: {growth['rss_mb']} MB", ""]


def verdict(found: dict[str, Any]) -> int:
    """1 when anything was lost, came twice or came out of order; times never fail a run."""
    hooks = found.get("webhooks", {})
    faults = [found.get("git", {}).get("lost", 0)]
    for each in (hooks, hooks.get("one_slow_repository", {})):
        faults += [each.get(key, 0) for key in ("lost", "twice", "out_of_order")]
    return int(any(faults))
