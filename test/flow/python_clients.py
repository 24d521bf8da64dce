"""Logs lines through a client library: python_clients.py otlp|loki URL, with {"lines": [...], "pause": seconds} as JSON on standard input.

The last line of the output is a JSON array of what the client said had failed.
"""

import json
import logging
import sys
import time

client, url = sys.argv[1:]
order = json.load(sys.stdin)
faults: list[str] = []


def otlp():
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    exporter = OTLPLogExporter(endpoint=f"{url}/v1/logs", compression=Compression.Gzip, timeout=60)
    provider = LoggerProvider(resource=Resource.create({"service.name": "python-otlp"}))
    provider.add_log_record_processor(
        BatchLogRecordProcessor(exporter, schedule_delay_millis=100, max_queue_size=100_000)
    )
    return LoggingHandler(logger_provider=provider), provider.shutdown


def loki():
    import logging_loki

    handler = logging_loki.LokiHandler(f"{url}/loki/api/v1/push", tags={"app": "python-loki"}, version="1")
    handler.handleError = lambda record: faults.append(repr(sys.exc_info()[1]))
    return handler, handler.close


handler, end = {"otlp": otlp, "loki": loki}[client]()
logger = logging.getLogger("tests")
logger.setLevel(logging.INFO)
logger.propagate = False
logger.addHandler(handler)
print("begun", flush=True)
for line in order["lines"]:
    logger.warning(line, extra={"big": 2**63 - 1, "list": [1, None]} if client == "otlp" else {"tags": {"n": "5"}})
    time.sleep(order["pause"])
end()
print(json.dumps(faults))
