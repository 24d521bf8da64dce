import type { StatusAnswer } from '../../../query/contract.ts';
import { shortBytes, shortCount, shortSpan } from '../../parts/format.ts';
import type { ResultModel } from './result.ts';
import type { Panel } from './use-panel.ts';
import { millisOf } from './time-range.ts';

/** What is shown of how much, what it cost, and whether anything is missing; at the right the state of the server. */
export function StatusLine({
  result,
  live,
  total,
  totalPartial,
  stale,
  status,
}: {
  result: ResultModel /** Rows of live tail, null when it is off. */;
  live: number | null;
  total: number | null;
  totalPartial: boolean;
  /** The rows are of the query before. */
  stale: boolean;
  status: Panel<StatusAnswer>;
}) {
  const { progress, phase, rows } = result;
  const share = progress && progress.totalRows > 0 ? Math.min(1, progress.readRows / progress.totalRows) : null;
  return (
    <footer className="status" data-testid="status-line">
      {phase === 'running' && (
        <span
          className="bar"
          role="progressbar"
          aria-label="Query progress"
          aria-valuenow={share === null ? undefined : Math.round(share * 100)}
          style={{ width: share === null ? '30%' : `${Math.max(2, share * 100)}%` }}
        />
      )}
      {live === null && result.table && !stale && (
        <span data-testid="status-rows">
          <b>{result.table.rows.length.toLocaleString('en')}</b>
          {result.table.rows.length === 1 ? ' row' : ' rows'}
        </span>
      )}
      {result.kind !== 'metric' &&
        !stale &&
        !(live === null && result.table) &&
        !(phase === 'failed' && live === null && rows.length === 0) && (
          <span data-testid="status-rows">
            {live === null && result.kind === 'sequences' && (
              <>
                <b>{result.sequences.toLocaleString('en')}</b>
                {result.sequences === 1 ? ' sequence, ' : ' sequences, '}
              </>
            )}
            <b>{(live ?? rows.length).toLocaleString('en')}</b>
            {live !== null
              ? ' records in live tail'
              : total === null || total === rows.length
                ? ' records'
                : ` of ${totalPartial ? 'at least ' : ''}${shortCount(Math.max(total, rows.length))} records`}
          </span>
        )}
      {phase === 'running' && (
        <span data-testid="status-running">
          {result.lookup ? 'not in the range, looking further back …' : 'running …'}
        </span>
      )}
      {phase === 'cancelled' && rows.length > 0 && <span className="flag">cancelled: what had arrived is shown</span>}
      {result.partial && (
        <span className="flag" data-testid="status-partial">
          partial: {result.partial}
        </span>
      )}
      {result.warnings.map(warning => (
        <span className="flag" key={warning} title={warning}>
          {warning}
        </span>
      ))}
      {result.pageError && <span className="flag">more could not be loaded: {result.pageError.message}</span>}
      {progress && live === null && (
        <span className="dim" data-testid="status-cost">
          {progress.readRows > 0 &&
            `scanned ${shortCount(progress.readRows)} rows, ${shortBytes(progress.readBytes)} in `}
          {shortSpan(progress.elapsedMs)}
        </span>
      )}
      <span className="spacer" />
      <ServerState status={status} />
    </footer>
  );
}

function ServerState({ status }: { status: Panel<StatusAnswer> }) {
  if (status.error) return <span className="flag">{status.error.message}</span>;
  const answer = status.data;
  if (!answer) return null;
  const age = answer.newest === null ? null : Date.now() - millisOf(answer.newest);
  return (
    <>
      {!answer.engine.up && <span className="flag">the query engine is restarting; logs are still accepted</span>}
      {answer.lagSeconds > 5 && (
        <span className="flag">{shortSpan(answer.lagSeconds * 1000)} behind in making logs visible</span>
      )}
      <span className="dim status-server">
        {shortCount(answer.records)} stored
        {age === null ? '' : `, newest ${age < 2000 ? 'now' : `${shortSpan(age)} ago`}`} · weir {answer.version}
      </span>
    </>
  );
}
