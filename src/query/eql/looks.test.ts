import { expect, it } from 'vitest';
import type { PartsView, Sources } from '../../flow.ts';
import { Looks, type Span } from './looks.ts';

type Arrival = { generation: number; from: bigint; to: bigint };

const view = (generation: number, arrivals: Arrival[] = [], whole = true): PartsView => ({
  generation,
  whole,
  since: since => (since < 0 ? undefined : arrivals.filter(arrival => arrival.generation > since)),
});
const sources = (parts: PartsView | undefined, ...tails: string[]): Sources => ({
  records: ['parts', ...tails],
  quarantine: [],
  streams: [],
  templates: '',
  ...(parts && { parts }),
});

/** What has to be looked at, which is then noted: `table start..end`. */
function look(looks: Looks, range: Span, now: Sources, question = 'q', tenant = 't'): string[] {
  const { legs, done } = looks.open(tenant, question, range, now);
  done();
  return legs.map(({ table, span }) => `${table} ${span.start ?? ''}..${span.end ?? ''}`);
}

it('asks the parts once, and tails always', () => {
  const looks = new Looks();
  expect(look(looks, { start: 10n, end: 20n }, sources(view(1), 'tail'))).toEqual(['parts 10..20', 'tail 10..20']);
  expect(look(looks, { start: 10n, end: 20n }, sources(view(1), 'tail'))).toEqual(['tail 10..20']);
  expect(look(looks, { start: 12n, end: 15n }, sources(view(1)))).toEqual([]);
});

it('asks what lies beyond, and then knows all of it', () => {
  const looks = new Looks();
  look(looks, { start: 10n, end: 20n }, sources(view(1)));
  expect(look(looks, { start: 15n, end: 30n }, sources(view(1)))).toEqual(['parts 21..30']);
  expect(look(looks, { start: 5n, end: 12n }, sources(view(1)))).toEqual(['parts 5..9']);
  expect(look(looks, { start: 5n, end: 30n }, sources(view(1)))).toEqual([]);
  expect(look(looks, {}, sources(view(1)))).toEqual(['parts ..4', 'parts 31..']);
  expect(look(looks, { start: 1n }, sources(view(1)))).toEqual([]);
  expect(look(looks, {}, sources(view(1)))).toEqual([]);
});

it('forgets a span that the next does not touch', () => {
  const looks = new Looks();
  look(looks, { start: 10n, end: 20n }, sources(view(1)));
  expect(look(looks, { start: 40n, end: 50n }, sources(view(1)))).toEqual(['parts 40..50']);
  expect(look(looks, { start: 10n, end: 20n }, sources(view(1)))).toEqual(['parts 10..20']);
});

it('asks of records that came since, where they are in what it knows', () => {
  const looks = new Looks();
  look(looks, { start: 10n, end: 20n }, sources(view(1)));
  const later = view(3, [
    { generation: 2, from: 15n, to: 16n },
    { generation: 3, from: 70n, to: 80n },
  ]);
  expect(look(looks, { start: 10n, end: 12n }, sources(later))).toEqual(['parts 15..16']);
  expect(look(looks, { start: 10n, end: 20n }, sources(later))).toEqual([]);
});

it('asks again when it is not known what came since', () => {
  const looks = new Looks();
  look(looks, { start: 10n, end: 20n }, sources(view(1)));
  const lost = { ...view(9), since: () => undefined };
  expect(look(looks, { start: 12n, end: 20n }, sources(lost))).toEqual(['parts 12..20']);
  expect(look(looks, { start: 10n, end: 20n }, sources(view(9)))).toEqual(['parts 10..11']);
  expect(look(looks, { start: 10n }, sources(undefined))).toEqual(['parts 10..']);
});

it('keeps tenants and questions apart, and so many of them', () => {
  const looks = new Looks(2);
  look(looks, {}, sources(view(1)));
  expect(look(looks, {}, sources(view(1)), 'other')).toHaveLength(1);
  expect(look(looks, {}, sources(view(1)), 'q', 'u')).toHaveLength(1);
  expect(look(looks, {}, sources(view(1)))).toHaveLength(1);
});

it('knows when nothing is to be asked', () => {
  const looks = new Looks();
  expect(looks.isDone('t', 'q', {}, view(1))).toBe(false);
  look(looks, {}, sources(view(1)));
  expect(looks.isDone('t', 'q', {}, view(1))).toBe(true);
  expect(looks.isDone('t', 'q', {}, view(1, [], false))).toBe(false);
  expect(looks.isDone('t', 'q', {}, undefined)).toBe(false);
});
