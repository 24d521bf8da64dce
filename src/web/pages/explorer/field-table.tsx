import type { QueryRow } from '../../../query/contract.ts';
import { cleanText } from '../../parts/clean-text.ts';
import { Icon } from '../../parts/icon.tsx';
import type { Field, Operator } from './query-edit.ts';
import { filterName } from './query-edit.ts';
import { preciseText } from './time-format.ts';

type Actions = {
  onFilter: (field: Field, value: string, operator: Operator) => void;
  onColumn: (name: string) => void;
  onCopy: (text: string) => void;
};

/** Longest value laid out in the table; the copy button gives all of it. */
const valueMax = 16_384;

/** Every field of a record, in groups; each value can be filtered for, excluded, copied, shown as a column. */
export function FieldTable({ row, columns, ...actions }: { row: QueryRow; columns: readonly string[] } & Actions) {
  const record: Record<string, string> = {
    level: row.level,
    ts: preciseText(row.ts, 'utc'),
    received: preciseText(row.received, 'utc'),
    seq: row.seq,
    severity: String(row.severity),
    door: row.door,
  };
  const groups: { title: string; kind: Field['kind']; fields: Record<string, string> }[] = [
    { title: 'Attributes', kind: 'attribute', fields: row.attributes },
    { title: 'Parsed by the query', kind: 'parsed', fields: row.parsed ?? {} },
    { title: 'Stream labels', kind: 'label', fields: row.labels },
    { title: 'Record', kind: 'column', fields: record },
  ];
  return (
    <>
      {groups.map(group => {
        const names = Object.keys(group.fields).toSorted(byNumbersToo);
        if (!names.length) return null;
        return (
          <section className="fields" key={group.title}>
            <h3>{group.title}</h3>
            {names.map(name => (
              <FieldRow
                key={name}
                field={{ name, kind: group.kind }}
                value={group.fields[name] ?? ''}
                column={columns.includes(columnOf(name))}
                {...actions}
              />
            ))}
          </section>
        );
      })}
    </>
  );
}

/** `field_2` before `field_10`. */
const byNumbersToo = new Intl.Collator('en', { numeric: true }).compare;

const columnOf = (name: string) => (name === 'service_name' ? 'service' : name);

/** A click on a value, not a selection of its text, brings up its actions: they show while one of them has the focus. */
function showActions(row: HTMLElement): void {
  if (document.getSelection()?.isCollapsed && !row.contains(document.activeElement))
    row.querySelector<HTMLElement>('.field-actions button')?.focus();
}

function FieldRow({
  field,
  value,
  column,
  onFilter,
  onColumn,
  onCopy,
}: { field: Field; value: string; column: boolean } & Actions) {
  const filterable = filterName(field) !== null;
  const shown =
    value.length > valueMax
      ? `${value.slice(0, valueMax)}… (+${(value.length - valueMax).toLocaleString('en')} characters)`
      : value;
  return (
    <div className="field" data-testid={`field-${field.name}`} onClick={event => showActions(event.currentTarget)}>
      <span className="field-name" title={field.name}>
        {field.name}
      </span>
      <span className="field-value">{cleanText(shown) || <em className="dim">empty</em>}</span>
      <span className="field-actions">
        {filterable && (
          <>
            <button
              type="button"
              className="quiet"
              title={`Only records with ${field.name} = this value`}
              aria-label={`Filter for ${field.name}`}
              data-testid={`filter-${field.name}`}
              onClick={() => onFilter(field, value, '=')}
            >
              <Icon name="plus" />
            </button>
            <button
              type="button"
              className="quiet"
              title={`Without records with ${field.name} = this value`}
              aria-label={`Exclude ${field.name}`}
              data-testid={`exclude-${field.name}`}
              onClick={() => onFilter(field, value, '!=')}
            >
              <Icon name="minus" />
            </button>
          </>
        )}
        <button
          type="button"
          className={`quiet ${column ? 'quiet-on' : ''}`}
          title={column ? 'Remove the column' : 'Show as a column'}
          aria-pressed={column}
          aria-label={`Column ${field.name}`}
          onClick={() => onColumn(columnOf(field.name))}
        >
          <Icon name="columns" />
        </button>
        <button
          type="button"
          className="quiet"
          title="Copy the value"
          aria-label={`Copy ${field.name}`}
          onClick={() => onCopy(value)}
        >
          <Icon name="copy" />
        </button>
      </span>
    </div>
  );
}
