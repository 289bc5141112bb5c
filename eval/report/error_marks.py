"""Where a tracker went wrong, as plain numbers for a timeline: stretches of misses and false alarms, and switches."""

from remix_track.eval.matching.match import Match
from remix_track.eval.report.error_spans import false_alarm_spans, missed_spans

_MOST = 5000


def error_marks(match: Match, skipped: int = 0) -> dict[str, list[list[int]]]:
    """The longest stretches and the first switches of a sequence.

    Args:
        match: the sequence.
        skipped: frames before the first one that was scored.

    Returns:
        `missed` ([person, first, last]), `alarms` ([track, first, last]) and `switches` ([frame, person, old track, new
        track]), with frames as the sequence numbers them.
    """
    missed, alarms = missed_spans(match, _MOST), false_alarm_spans(match, _MOST)
    return {
        "missed": [[span.id, span.first + skipped, span.last + skipped] for span in missed],
        "alarms": [[span.id, span.first + skipped, span.last + skipped] for span in alarms],
        "switches": [[one.frame + skipped, one.person, one.old, one.new] for one in match.switches()[:_MOST]],
    }
