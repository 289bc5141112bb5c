"""Metrics, read back by Prometheus' own parser."""

import math

import pytest

from remix_track.server.prometheus import CONTENT_TYPE, Metric, Sample, prometheus_text

parser = pytest.importorskip("prometheus_client.parser", reason="no prometheus_client here; pip install it")


def read(text):
    return {
        family.name: [(one.labels, one.value) for one in family.samples]
        for family in parser.text_string_to_metric_families(text)
    }


def test_numbers_and_labels_come_back():
    hostile = 'gate "a"\\n\n}{ 1,é'
    metrics = [
        Metric("remix_track_people", "People \\ of\na store.", [Sample(3, {})]),
        Metric("remix_track_age_seconds", "Age.", [Sample(0.25, {"camera": hostile, "store": "s"}), Sample(1e12, {})]),
        Metric("remix_track_none", "Left out.", []),
    ]
    text = prometheus_text(metrics)
    assert read(text) == {
        "remix_track_people": [({}, 3.0)],
        "remix_track_age_seconds": [({"camera": hostile, "store": "s"}, 0.25), ({}, 1e12)],
    }
    assert text.endswith("\n")
    assert "text/plain" in CONTENT_TYPE


def test_numbers_that_are_not_finite_are_left_out():
    text = prometheus_text([Metric("a", "b", [Sample(math.nan, {"x": "1"}), Sample(math.inf, {}), Sample(0, {})])])
    assert read(text) == {"a": [({}, 0.0)]}
    assert prometheus_text([Metric("a", "b", [Sample(math.nan, {})])]) == ""
