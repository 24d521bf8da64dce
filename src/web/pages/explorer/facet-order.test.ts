import { expect, test } from 'vitest';
import { type Facet, facetsToShow } from './facet-order.ts';

const facet = (name: string, kind: Facet['kind'], ...values: [string, number][]): Facet => ({
  name,
  kind,
  distinct: values.length,
  values: values.map(([value, count]) => ({ value, count })),
});

const fields = [
  facet('pod', 'attribute', ['web-1', 3]),
  facet('detected_level', 'attribute', ['info', 3]),
  facet('door', 'column', ['json', 3]),
  facet('env', 'label', ['prod', 3]),
  facet('app', 'label', ['cart', 1], ['web', 2]),
  facet('service_name', 'label', ['web', 2], ['cart', 1]),
  facet('level', 'column', ['info', 3]),
];
const names = (search: string): string[] => facetsToShow(fields, search).map(field => field.name);

test('level and service first, attributes last, and nothing twice', () => {
  expect(names('')).toEqual(['level', 'service_name', 'env', 'door', 'pod']);
});

test('a label that only looks like the service stays', () => {
  const other = facet('tier', 'label', ['web', 1], ['cart', 2]);
  expect(facetsToShow([...fields, other], '').map(field => field.name)).toContain('tier');
});

test('a search finds all that have the text', () => {
  expect(names('level')).toEqual(['level', 'detected_level']);
  expect(names(' WEB ')).toEqual(['service_name', 'app', 'pod']);
  expect(names('nothing')).toEqual([]);
});
