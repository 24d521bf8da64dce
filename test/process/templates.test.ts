import { afterEach, expect, it } from 'vitest';
import { openWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

const write = (messages: readonly string[], tenant = 'default'): void => {
  world.log.append(messages.map(message => `${JSON.stringify({ message })}\n`).join(''), {
    keys: ['message'],
    tenant,
  });
};
/** Seals what is in the tail. */
const restart = async (): Promise<void> => {
  await world.worker.stop();
  await world.store.close();
  world = await world.restart();
};
const patterns = (): Promise<Record<string, unknown>[]> =>
  world.engine.run({
    sql: `SELECT r.tenant AS tenant, t.pattern AS pattern, toUInt32(count()) AS n FROM ${world.database}.records AS r
LEFT JOIN (SELECT tenant, id, argMax(pattern, at) AS pattern FROM ${world.database}.templates GROUP BY tenant, id) AS t ON r.tenant = t.tenant AND r.template = t.id
GROUP BY tenant, pattern ORDER BY tenant, n DESC, pattern`,
  });

it('gives every record the id of a template, in the tail and in parts, the same after restarts', async () => {
  world = await openWorld();
  write(['user ann paid 17 EUR', 'user bob paid 2 EUR', 'disk sda1 is full']);
  await world.settled();
  const inTail = await world.ask('message, template');
  expect(inTail.every(r => /^[0-9a-f]{16}$/.test(String(r.template)))).toBe(true);
  await restart();
  write(['user cid paid 9999 EUR', 'disk sdb7 is full', 'disk sdb7 is full']);
  await world.settled();
  await restart();
  expect(await patterns()).toEqual([
    { tenant: 'default', pattern: 'disk <_> is full', n: 3 },
    { tenant: 'default', pattern: 'user <_> paid <_> EUR', n: 3 },
  ]);
  const [first] = inTail.filter(r => r.message === 'disk sda1 is full');
  expect(await world.ask('template', "message = 'disk sda1 is full'")).toEqual([{ template: first?.template }]);
});

it('learns per tenant, and of several lines or a long message only the head', async () => {
  world = await openWorld();
  write(['panic in worker\n at a.ts:1\n at b.ts:2', 'panic in worker\n at c.ts:3', `${'x '.repeat(600)}end`]);
  write(['panic in worker', 'rolled back 5'], 'other');
  await world.settled();
  await restart();
  expect(await patterns()).toEqual([
    { tenant: 'default', pattern: 'panic in worker<_>', n: 2 },
    { tenant: 'default', pattern: `${'x '.repeat(499)}x<_>`, n: 1 },
    { tenant: 'other', pattern: 'panic in worker', n: 1 },
    { tenant: 'other', pattern: 'rolled back <_>', n: 1 },
  ]);
});

it('learns from what the pipeline leaves, so a redacted word is in no pattern', async () => {
  world = await openWorld({ config: JSON.stringify({ pipeline: [{ step: 'redact', kinds: ['email'] }] }) });
  write(['mail to ann@example.com sent']);
  await world.settled();
  await restart();
  expect(JSON.stringify(await patterns())).not.toContain('ann@');
});
