from webintel.engine.progress import Progress, Reporter


def test_percentages_never_fall_and_end_at_a_hundred() -> None:
    seen: list[Progress] = []
    reporter = Reporter(seen.append)
    reporter.report("connecting", "looking")
    reporter.report("discovering", "half", 0.5)
    reporter.report("discovering", "fewer than thought", 0.2)
    reporter.report("inducing selectors", "beyond", 7.0)
    reporter.report("done", "ready")
    percentages = [progress.percentage for progress in seen]
    assert percentages == sorted(percentages)
    assert percentages[0] == 0.0
    assert percentages[-1] == 100.0


def test_nobody_need_listen() -> None:
    Reporter(None).report("connecting", "looking")
