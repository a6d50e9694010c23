"""What was asked of the desk since it was started: requests and how long they took, by page; never by whom."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

OTHER = "other"
"""The page of what the router refused: an address that anybody can make up must not become a label."""

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)  # seconds; a page takes some 10 ms, signing in 100

# Else each counter has a line that says when it was made
disable_created_metrics()  # type: ignore[no-untyped-call]


class Traffic:
    """The counters of one desk; threads may share it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "kentongan_requests",
            "Requests to the desk by page and class of status",
            ("page", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "kentongan_request_seconds",
            "How long the desk took to answer, by page",
            ("page",),
            registry=self.registry,
            buckets=_BUCKETS,
        )

    def saw(self, page: str, method: str, status: int, seconds: float) -> None:
        """Count a request; `page` is the page's own path, with names in place of keys."""
        self._requests.labels(page, method, f"{status // 100}xx").inc()
        self._seconds.labels(page).observe(seconds)
