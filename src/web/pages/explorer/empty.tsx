import { useState } from 'react';
import type { StatusAnswer } from '../../../query/contract.ts';
import { looksEql } from '../../../query/eql/contract.ts';
import { type ApiError, unreachable } from '../../api.ts';
import { copyText } from '../../parts/copy.ts';
import { Icon } from '../../parts/icon.tsx';
import { usePreferences } from '../../parts/preferences.ts';
import { faultText } from './query-tokens.ts';
import { momentText, rangeText } from './time-format.ts';
import type { TimeRange } from './time-range.ts';
import { absolute, millisOf, spanOf, zoomOut } from './time-range.ts';

/** Why there is nothing to see, and the ways out. */
export function NoRecords({
  query,
  range,
  status,
  onRange,
  onClear,
  everywhere,
}: {
  query: string;
  range: TimeRange;
  status: StatusAnswer | null;
  onRange: (range: TimeRange) => void;
  onClear: () => void;
  /** An id was looked for in everything that is stored. */
  everywhere: boolean;
}) {
  const { zone } = usePreferences();
  const now = Date.now();
  const span = spanOf(range, now);
  const newest = status?.newest ? millisOf(status.newest) : null;
  const oldest = status?.oldest ? millisOf(status.oldest) : null;
  const outside = newest !== null && oldest !== null && (newest < span.from || oldest > span.to);
  return (
    <div className="empty" data-testid="empty">
      <h2>No records match</h2>
      <p>
        {everywhere
          ? 'This looks like an id, so everything that is stored was searched for it: messages, traces, spans and the values of all attributes.'
          : outside && newest !== null && oldest !== null
            ? `Nothing is stored in this range: records are from ${momentText(oldest, zone)} to ${momentText(newest, zone)}.`
            : query.trim()
              ? `Nothing in the range (${rangeText(range, zone).replace('Last', 'last')}) matches the query.`
              : `Nothing was logged in the range (${rangeText(range, zone).replace('Last', 'last')}).`}
      </p>
      <div className="empty-actions">
        {!everywhere && newest !== null && (newest < span.from || newest > span.to) && (
          <button
            type="button"
            className="button"
            data-testid="empty-newest"
            onClick={() => onRange(absolute(newest - 3_600_000, newest + 1))}
          >
            Go to the newest records
          </button>
        )}
        {!everywhere && (
          <button type="button" className="button" onClick={() => onRange(zoomOut(range, now))}>
            Look at a longer time
          </button>
        )}
        {query.trim() && (
          <button type="button" className="button" data-testid="empty-clear" onClick={onClear}>
            Clear the query
          </button>
        )}
      </div>
    </div>
  );
}

/** A query that failed, where its rows would be. */
export function Failed({ query, error, onRetry }: { query: string; error: ApiError; onRetry: () => void }) {
  const mistake = error.code === 'bad_query';
  return (
    <div className="empty" role="alert" data-testid="query-error">
      <h2>{mistake ? 'The query cannot be read' : 'The query failed'}</h2>
      <p className="empty-reason">
        {error.line !== undefined && `Line ${error.line}, column ${error.column ?? 1}: `}
        {faultText(error.message)}
      </p>
      {mistake && looksEql(query) ? (
        <p className="dim">
          This reads as EQL: an event category or any, <code>where</code>, a condition. To look for these words instead,
          put <code>"where"</code> in quotes.
        </p>
      ) : mistake ? (
        <p className="dim">
          Words and "quoted phrases" search the messages. LogQL starts with a selector such as{' '}
          {'{service_name="checkout"}'}.
        </p>
      ) : (
        <>
          {unreachable(error) && <p className="dim">The query runs by itself when the server answers again.</p>}
          <button type="button" className="button" onClick={onRetry}>
            Run again
          </button>
        </>
      )}
    </div>
  );
}

/** A query that was cancelled before anything of its answer was there. */
export function Cancelled({ onRetry }: { onRetry: () => void }) {
  return (
    <div className="empty" data-testid="cancelled">
      <h2>Cancelled</h2>
      <p>No record had arrived yet.</p>
      <button type="button" className="button" onClick={onRetry}>
        Run again
      </button>
    </div>
  );
}

function snippetsFor(origin: string): { name: string; code: string }[] {
  return [
    {
      name: 'curl',
      code: `curl ${origin}/ingest/json \\\n  -H 'content-type: application/x-ndjson' \\\n  -d '{"service":"hello","level":"info","message":"my first log"}'`,
    },
    { name: 'Pipe', code: `tail -f app.log | npx weir send --url ${origin}` },
    {
      name: 'pino',
      code: `import pino from 'pino';\n\nconst log = pino({\n  transport: {\n    target: 'pino-loki',\n    options: { host: '${origin}', labels: { service_name: 'hello' } },\n  },\n});\nlog.info('my first log');`,
    },
    {
      name: 'OpenTelemetry',
      code: `OTEL_LOGS_EXPORTER=otlp \\\nOTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf \\\nOTEL_EXPORTER_OTLP_LOGS_ENDPOINT=${origin}/v1/logs \\\nOTEL_SERVICE_NAME=hello node app.js`,
    },
    {
      name: 'Loki clients',
      code: `# Promtail, Alloy, Fluent Bit, Vector, ...: the push address is\n${origin}/loki/api/v1/push`,
    },
  ];
}

/** Shown while nothing has ever been stored; the page turns to the records by itself when the first one arrives. */
export function Waiting() {
  const snippets = snippetsFor(location.origin);
  const [name, setName] = useState(snippets[0]?.name ?? '');
  const [copied, setCopied] = useState(false);
  const code = snippets.find(snippet => snippet.name === name)?.code ?? '';
  return (
    <div className="empty waiting" data-testid="waiting">
      <h2>
        <i className="pulse" /> Waiting for your first log
      </h2>
      <p>Nothing is stored yet. Send a record by any of these; it appears here by itself.</p>
      <div className="tabs" role="tablist">
        {snippets.map(snippet => (
          <button
            type="button"
            role="tab"
            key={snippet.name}
            aria-selected={snippet.name === name}
            onClick={() => {
              setName(snippet.name);
              setCopied(false);
            }}
          >
            {snippet.name}
          </button>
        ))}
      </div>
      <div className="snippet">
        <pre data-testid="snippet">{code}</pre>
        <button type="button" className="button" onClick={() => void copyText(code).then(setCopied)}>
          <Icon name="copy" /> {copied ? 'Copied' : 'Copy'}
        </button>
      </div>
    </div>
  );
}
