import { useState } from 'react';
import type { FieldsAnswer } from '../../../query/contract.ts';
import { Icon } from '../../parts/icon.tsx';
import { shortCount } from '../../parts/format.ts';
import { cleanForLine } from '../../parts/clean-text.ts';
import { type Facet, facetsToShow } from './facet-order.ts';
import type { Panel } from './use-panel.ts';
import type { Field, Operator } from './query-edit.ts';
import { filterName } from './query-edit.ts';

const firstShown = 5;
/** Values of fields this various tell nothing as a list (ids, times); such fields start closed. */
const tooVarious = 0.3;

export type FacetsProps = {
  panel: Panel<FieldsAnswer>;
  total: number | null;
  columns: readonly string[];
  onFilter: (field: Field, value: string, operator: Operator) => void;
  onColumn: (name: string) => void;
};

/** Fields of a sample of the matching records with their commonest values; a click narrows, Alt+click excludes. */
export function Facets({ panel, total, columns, onFilter, onColumn }: FacetsProps) {
  const [search, setSearch] = useState('');
  const [toggled, setToggled] = useState<Record<string, boolean>>({});
  const answer = panel.data;
  const wanted = search.trim().toLowerCase();
  const fields = facetsToShow(answer?.fields ?? [], search);
  const groups = [
    { name: 'Labels', fields: fields.filter(field => field.kind === 'label' || field.kind === 'column') },
    { name: 'Attributes', fields: fields.filter(field => field.kind === 'attribute') },
    { name: 'In JSON lines', fields: fields.filter(field => field.kind === 'json') },
  ];
  return (
    <aside className="facets" aria-label="Fields" data-testid="facets" aria-busy={panel.loading}>
      <input
        className="input facets-search"
        type="search"
        placeholder="Filter fields"
        aria-label="Filter fields"
        value={search}
        onChange={event => setSearch(event.target.value)}
      />
      {answer && answer.sampled > 0 && (
        <p className="facets-note" title="Values are counted among the newest matching records">
          {total !== null && total <= answer.sampled
            ? `of all ${answer.sampled.toLocaleString('en')} records`
            : `of the newest ${answer.sampled.toLocaleString('en')} records`}
        </p>
      )}
      {panel.error && panel.error.code !== 'bad_query' && (
        <div className="panel-error">Fields: {panel.error.message}</div>
      )}
      {groups.map(group =>
        group.fields.length ? (
          <section key={group.name}>
            <h2>{group.name}</h2>
            {group.fields.slice(0, wanted ? 200 : 60).map(field => {
              const id = `${field.kind}:${field.name}`;
              const various = answer ? field.distinct > 20 && field.distinct > answer.sampled * tooVarious : false;
              const open = toggled[id] ?? (Boolean(wanted) || !various);
              return (
                <FacetField
                  key={id}
                  field={field}
                  sampled={answer?.sampled ?? 1}
                  open={open}
                  column={columns.includes(field.name === 'service_name' ? 'service' : field.name)}
                  onToggle={() => setToggled({ ...toggled, [id]: !open })}
                  onFilter={onFilter}
                  onColumn={onColumn}
                />
              );
            })}
          </section>
        ) : null,
      )}
      {answer && !fields.length && (
        <div className="facets-none">{wanted ? `No field or value like "${search.trim()}"` : 'No fields'}</div>
      )}
    </aside>
  );
}

function FacetField({
  field,
  sampled,
  open,
  column,
  onToggle,
  onFilter,
  onColumn,
}: {
  field: Facet;
  sampled: number;
  open: boolean;
  column: boolean;
  onToggle: () => void;
  onFilter: FacetsProps['onFilter'];
  onColumn: (name: string) => void;
}) {
  const [all, setAll] = useState(false);
  const known: Field = { name: field.name, kind: field.kind };
  const filterable = filterName(known) !== null;
  const values = all ? field.values : field.values.slice(0, firstShown);
  const columnName = field.name === 'service_name' ? 'service' : field.name;
  return (
    <div className="facet" data-testid={`facet-${field.name}`}>
      <div className="facet-head">
        <button
          type="button"
          className="facet-name"
          aria-expanded={open}
          onClick={onToggle}
          title={`${field.name}: ${field.distinct.toLocaleString('en')} values in the sample`}
        >
          <Icon name={open ? 'down' : 'right'} />
          <span>{field.name}</span>
        </button>
        <button
          type="button"
          className={`quiet ${column ? 'quiet-on' : ''}`}
          aria-pressed={column}
          title={column ? 'Remove the column' : 'Show as a column'}
          data-testid={`column-${field.name}`}
          onClick={() => onColumn(columnName)}
        >
          <Icon name="columns" />
        </button>
        <span className="facet-distinct">{shortCount(field.distinct)}</span>
      </div>
      {open &&
        values.map(({ value, count }) => (
          <div className="facet-value" key={value}>
            <button
              type="button"
              className="facet-pick"
              disabled={!filterable}
              title={filterable ? `${value}\nClick: only these. Alt+click: without these.` : value}
              data-testid={`facet-${field.name}-${value}`}
              onClick={event => onFilter(known, value, event.altKey ? '!=' : '=')}
            >
              <i className="facet-bar" style={{ width: `${Math.min(100, (100 * count) / Math.max(1, sampled))}%` }} />
              <span className="facet-text">{value === '' ? <em>empty</em> : cleanForLine(value)}</span>
              <span className="facet-count">{shortCount(count)}</span>
            </button>
            {filterable && (
              <button
                type="button"
                className="quiet facet-not"
                title={`Exclude ${value}`}
                aria-label={`Exclude ${field.name} ${value}`}
                onClick={() => onFilter(known, value, '!=')}
              >
                <Icon name="minus" />
              </button>
            )}
          </div>
        ))}
      {open && field.values.length > firstShown && (
        <button type="button" className="facet-more" onClick={() => setAll(!all)}>
          {all ? 'fewer' : `${field.values.length - firstShown} more`}
        </button>
      )}
    </div>
  );
}
