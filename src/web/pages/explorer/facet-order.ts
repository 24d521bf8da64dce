import type { FieldsAnswer } from '../../../query/contract.ts';

export type Facet = FieldsAnswer['fields'][number];

/** What people look at first comes first; how a record came in, last. The server's order (commonest first) holds for the rest. */
const firstNames = ['level', 'service_name'];
function byRank(a: Facet, b: Facet): number {
  const rank = (field: Facet) => {
    if (field.kind === 'attribute') return 2;
    if (field.kind === 'json') return 3;
    const first = firstNames.indexOf(field.name);
    return field.name === 'door' ? 1.5 : first < 0 ? 1 : first / 10;
  };
  return rank(a) - rank(b);
}

const valuesText = (field: Facet): string =>
  JSON.stringify(field.values.map(({ value, count }) => `${count} ${value}`).toSorted());

/**
 * The fields in the order of the list. What says again what another says is left out: `detected_level` is the level, and `service_name` is made from a label (`service`,
 * `app` ...) that then has its very values. With a text, all fields that have it in their name or a value.
 */
export function facetsToShow(fields: readonly Facet[], search: string): Facet[] {
  const wanted = search.trim().toLowerCase();
  const ordered = fields.toSorted(byRank);
  if (wanted)
    return ordered.filter(
      field =>
        field.name.toLowerCase().includes(wanted) ||
        field.values.some(value => value.value.toLowerCase().includes(wanted)),
    );
  const service = ordered.find(field => field.name === 'service_name');
  const services = service && valuesText(service);
  return ordered.filter(
    field =>
      field.name !== 'detected_level' &&
      (field === service ||
        field.kind !== 'label' ||
        field.distinct !== service?.distinct ||
        valuesText(field) !== services),
  );
}
