"""A real Prometheus on a free loopback port, with a past of its own, that scrapes this process."""

import re
import select
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.servers import end_with_parent

_READY = b"Server is ready to receive web requests"
_STARTED_WITHIN_SECONDS = 30.0
Past = Mapping[tuple[str, str, str], Iterable[tuple[int, float]]]
"""(metric, zone, culture) to its (second, value) pairs."""


class Exposed:
    """What is scraped: one metric, of which a test sets the value."""

    def __init__(self) -> None:
        self.value = 0.0
        exposed = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f"# TYPE live gauge\nlive {exposed.value}\n".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def running(folder: Path, past: Past, scraped: int) -> Iterator[str]:
    """A server for the block, and its address; it scrapes a port twice a second."""
    data = folder / "data"
    _write_past(folder, data, past)
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 500ms, scrape_timeout: 400ms}\n"
        "scrape_configs:\n- job_name: test\n"
        f"  static_configs: [{{targets: ['127.0.0.1:{scraped}']}}]\n"
    )
    process = subprocess.Popen(
        ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}",
         "--storage.tsdb.retention.time=100y", "--web.listen-address=127.0.0.1:0"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, bufsize=0,
        preexec_fn=end_with_parent,  # noqa: PLW1509  (one call, which takes no lock)
    )  # fmt: skip
    assert process.stderr is not None
    lines: list[bytes] = []
    try:
        while not lines or _READY not in lines[-1]:
            ready, _, _ = select.select([process.stderr], [], [], _STARTED_WITHIN_SECONDS)
            line = process.stderr.readline() if ready else b""
            assert line, f"Prometheus did not start: {b''.join(lines)[-2000:]!r}"
            lines.append(line)
        found = re.search(rb'msg="Listening on" address=127\.0\.0\.1:(\d+)', b"".join(lines))
        assert found, lines
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        yield f"http://127.0.0.1:{int(found[1])}"
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


def _write_past(folder: Path, data: Path, past: Past) -> None:
    names = sorted({name for name, _, _ in past})
    lines = []
    for name in names:
        lines.append(f"# TYPE {name} gauge")
        for (metric, zone, culture), values in past.items():
            if metric == name:
                labels = f'zone="{zone}",culture="{culture}"'
                lines += [f"{name}{{{labels}}} {value} {second}" for second, value in values]
    source = folder / "past.om"
    source.write_text("\n".join([*lines, "# EOF\n"]))
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(source), str(data)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
