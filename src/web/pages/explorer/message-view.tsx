import { useMemo, useState } from 'react';
import type { QueryRow } from '../../../query/contract.ts';
import { cleanText } from '../../parts/clean-text.ts';
import { shortCount } from '../../parts/format.ts';
import type { JsonToken } from './json-print.ts';
import { printJson, stringValue } from './json-print.ts';
import type { Field, Operator } from './query-edit.ts';

/** Put into the page at once; more on demand, so that a record of 1 MB opens as fast as any. */
const textMax = 65_536;
const tokensMax = 3_000;

type Actions = { onFilter: (field: Field, value: string, operator: Operator) => void; onCopy: (text: string) => void };

/** The message: laid out when it is JSON, with values that can be clicked; else, and on demand, the line as it came. */
export function MessageView({ row, onFilter, onCopy }: { row: QueryRow } & Actions) {
  const tokens = useMemo(() => printJson(row.message), [row.message]);
  const [raw, setRaw] = useState(false);
  const [all, setAll] = useState(false);
  const [chosen, setChosen] = useState<JsonToken | null>(null);
  const pretty = tokens !== null && !raw;
  const left = pretty ? tokens.length - tokensMax : row.message.length - textMax;
  return (
    <section className="message">
      <div className="message-head">
        <h3>Message</h3>
        {tokens && (
          <div className="switch" role="group" aria-label="Form of the message">
            <button
              type="button"
              className={`chip ${pretty ? 'chip-on' : ''}`}
              aria-pressed={pretty}
              data-testid="message-json"
              onClick={() => setRaw(false)}
            >
              JSON
            </button>
            <button
              type="button"
              className={`chip ${pretty ? '' : 'chip-on'}`}
              aria-pressed={!pretty}
              data-testid="message-raw"
              onClick={() => setRaw(true)}
            >
              Raw
            </button>
          </div>
        )}
        {row.message.length > 1000 && <span className="dim">{shortCount(row.message.length)} characters</span>}
      </div>
      <pre
        className={`message-text ${!pretty && /\n\s/.test(row.message) ? 'message-lines' : ''}`}
        data-testid="message-text"
      >
        {pretty ? (
          <Tokens tokens={all ? tokens : tokens.slice(0, tokensMax)} chosen={chosen} onChoose={setChosen} />
        ) : (
          cleanText(all ? row.message : row.message.slice(0, textMax))
        )}
      </pre>
      {chosen?.path && (
        <div className="message-actions" data-testid="json-actions">
          <code>{chosen.path}</code>
          <button
            type="button"
            className="chip"
            onClick={() => onFilter(fieldOf(row, chosen.path ?? ''), valueOf(chosen), '=')}
          >
            Filter for
          </button>
          <button
            type="button"
            className="chip"
            onClick={() => onFilter(fieldOf(row, chosen.path ?? ''), valueOf(chosen), '!=')}
          >
            Exclude
          </button>
          <button type="button" className="chip" onClick={() => onCopy(valueOf(chosen))}>
            Copy
          </button>
        </div>
      )}
      {!all && left > 0 && (
        <button type="button" className="facet-more" onClick={() => setAll(true)}>
          Show the remaining {shortCount(left)} {pretty ? 'tokens' : 'characters'}
        </button>
      )}
    </section>
  );
}

/** A value that is an attribute of the record already needs no parsing in the query. */
const fieldOf = (row: QueryRow, path: string): Field => ({
  name: path,
  kind: path in row.attributes ? 'attribute' : 'json',
});

const valueOf = (token: JsonToken): string => (token.kind === 'string' ? stringValue(token.text) : token.text);

function Tokens({
  tokens,
  chosen,
  onChoose,
}: {
  tokens: JsonToken[];
  chosen: JsonToken | null;
  onChoose: (token: JsonToken) => void;
}) {
  return tokens.map((token, i) => {
    if (token.kind === 'space' || token.kind === 'punctuation') return token.text;
    const text = cleanText(token.text);
    if (!token.path) {
      return (
        <span key={i} className={`j-${token.kind}`}>
          {text}
        </span>
      );
    }
    return (
      <button
        type="button"
        key={i}
        className={`j-pick j-${token.kind} ${chosen === token ? 'j-chosen' : ''}`}
        onClick={() => onChoose(token)}
      >
        {text}
      </button>
    );
  });
}
