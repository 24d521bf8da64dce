import { useMemo } from 'react';
import type { CheckAnswer, ExplainAnswer } from '../../../query/contract.ts';
import { explainQuery } from '../../api.ts';
import { shortBytes, shortCount } from '../../parts/format.ts';
import { Icon } from '../../parts/icon.tsx';
import { queryTokens } from './query-tokens.ts';
import { nanosOf, type Span } from './time-range.ts';
import { usePanel } from './use-panel.ts';

type Understood = Extract<CheckAnswer, { ok: true }>;

function Coloured({ text }: { text: string }) {
  const parts = useMemo(() => {
    let at = 0;
    return queryTokens(text).map(token => {
      at += token.text.length;
      return { ...token, at };
    });
  }, [text]);
  return parts.map(part => (
    <span key={part.at} className={`q-${part.kind}`}>
      {part.text}
    </span>
  ));
}

const languageOf = ({ language, kind }: Understood): string =>
  language !== 'eql' ? 'LogQL' : kind === 'sequences' ? 'EQL: sequences of events' : 'EQL: events';

/** What is wrong now is what most come to ask. */
const problems = 'level:>=warn';

/** The quiet line under the query box: how a search text was read, and the way to its LogQL, SQL and cost. */
export function Reading({
  answer,
  open,
  onToggle,
  onExample,
}: {
  answer: Understood | null;
  open: boolean;
  onToggle: () => void;
  onExample: (query: string) => void;
}) {
  return (
    <div className="reading" data-testid="reading">
      {answer?.reading ? (
        <span className="reading-text" title={answer.reading}>
          <Coloured text={answer.reading} />
        </span>
      ) : (
        <span className="reading-hint">
          {answer ? (
            languageOf(answer)
          ) : (
            <>
              <button
                type="button"
                className="reading-example"
                title="Only warnings and worse"
                data-testid="example"
                onClick={() => onExample(problems)}
              >
                {problems}
              </button>
              {' · words · "a phrase" · status:500 · -path:/healthz · OR · an id alone'}
            </>
          )}
        </span>
      )}
      {answer?.notes.map(note => (
        <span className="reading-note" key={note} title={note} data-testid="reading-note">
          {note}
        </span>
      ))}
      {answer && (
        <button
          type="button"
          className={`quiet reading-more ${open ? 'quiet-on' : ''}`}
          aria-expanded={open}
          data-testid="explain"
          title="What it becomes and would read"
          onClick={onToggle}
        >
          Explain
        </button>
      )}
    </div>
  );
}

/** What the query means and would read, without running it. */
export function Explain({ query, span, onClose }: { query: string; span: Span; onClose: () => void }) {
  const panel = usePanel(`${query}\n${span.from}.${span.to}`, signal =>
    explainQuery({ query, start: nanosOf(span.from), end: nanosOf(span.to) }, signal),
  );
  return (
    <section className="explain" aria-label="Explain" data-testid="explain-panel">
      <button type="button" className="quiet explain-close" aria-label="Close" onClick={onClose}>
        <Icon name="close" />
      </button>
      {panel.error ? <p className="panel-error">{panel.error.message}</p> : panel.data && <Plan answer={panel.data} />}
    </section>
  );
}

function Plan({ answer }: { answer: ExplainAnswer }) {
  const { estimate, indexes } = answer;
  return (
    <>
      <p className="explain-cost" data-testid="explain-cost">
        Reads at most <b>{shortCount(estimate.rows + estimate.unsealed)}</b> records, about{' '}
        <b>{shortBytes(estimate.bytes)}</b>: {shortCount(estimate.granules)} blocks on disk
        {estimate.unsealed > 0 && ` and ${shortCount(estimate.unsealed)} records still in memory`}.{' '}
        <span className="dim">
          {answer.fullScan
            ? 'No index narrows it beyond tenant and time.'
            : 'The newest records are found sooner: reading stops when there are enough.'}
        </span>
      </p>
      {answer.reading && (
        <>
          <h3>Read as</h3>
          <pre data-testid="explain-reading">
            <Coloured text={answer.reading} />
          </pre>
        </>
      )}
      {answer.notes.map(note => (
        <p className="reading-note" key={note}>
          {note}
        </p>
      ))}
      {answer.logql !== undefined && (
        <>
          <h3>LogQL</h3>
          <pre data-testid="explain-logql">
            <Coloured text={answer.logql} />
          </pre>
        </>
      )}
      {indexes.length > 0 && (
        <>
          <h3>Indexes</h3>
          <table className="explain-indexes">
            <thead>
              <tr>
                <th>index</th>
                <th>condition</th>
                <th>parts</th>
                <th>blocks</th>
              </tr>
            </thead>
            <tbody>
              {indexes.map((index, i) => (
                <tr key={`${i} ${index.name}`}>
                  <td>{index.name}</td>
                  <td className="explain-condition">{index.condition}</td>
                  <td>
                    {shortCount(index.parts.before)} → {shortCount(index.parts.after)}
                  </td>
                  <td>
                    {shortCount(index.granules.before)} → {shortCount(index.granules.after)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
      {answer.sql !== '' && (
        <>
          <h3>SQL</h3>
          <pre className="explain-sql" data-testid="explain-sql">
            {answer.sql}
          </pre>
        </>
      )}
    </>
  );
}
