import { expect, test } from 'vitest';
import { parseConfig } from './config.ts';

const faultsOf = (text: string): string[] => {
  try {
    parseConfig(text, 'weir.yaml');
    return [];
  } catch (error) {
    return (error as Error).message.split('\n');
  }
};

test('all faults are told in the order of the file, each with its place, what is there and what to write', () => {
  expect(
    faultsOf(`listn: 127.0.0.1:7575
data: 5
limits:
  query_timeout: soon
  body_bytes: lots
demo: maybe
log_level: loud
retention:
  days: -3
  rules:
    - days: x
      tennant: a
pipeline:
  - redact: email
  - step: fliter
    where: x
  - step: redact
    kinds: [mail]
  - step: set
    field: mesage
    value: x
store: {url: nope}
`),
  ).toEqual([
    'weir.yaml:1:1: unknown key "listn"; did you mean "listen"?',
    'weir.yaml:2:1: data: 5 is wrong here; write a text',
    'weir.yaml:4:3: limits.query_timeout: "soon": write a duration such as 30s, 24h or 7d',
    'weir.yaml:5:3: limits.body_bytes: "lots": write a size such as 64MiB or 10GB',
    'weir.yaml:6:1: demo: "maybe" is wrong here; write true or false',
    'weir.yaml:7:1: log_level: "loud" is unknown; write one of trace, debug, info, warn, error, fatal',
    'weir.yaml:9:3: retention.days: -3 is too small; write at least 1',
    'weir.yaml:11:7: retention.rules[0].days: "x" is wrong here; write a number',
    'weir.yaml:12:7: unknown key "retention.rules[0].tennant"; did you mean "tenant"?',
    'weir.yaml:14:5: pipeline[0].step: nothing is given; write one of drop, filter, set, rename, remove, parse_json, parse_regex, redact, sample',
    'weir.yaml:15:5: pipeline[1].step: "fliter" is unknown (did you mean filter?); write one of drop, filter, set, rename, remove, parse_json, parse_regex, redact, sample',
    'weir.yaml:18:13: pipeline[2].kinds[0]: "mail" is unknown (did you mean email?); write one of email, ipv4, card, token',
    'weir.yaml:20:5: pipeline[3].field: "mesage": use message, level, service, trace_id, span_id, attributes.<name> or labels.<name>',
    'weir.yaml:22:9: store.url: "nope" is not the address of a ClickHouse server such as https://host:8443; without a path, the database is named by store.database',
  ]);
});

test('a secret is not told', () => {
  expect(faultsOf('tokens: [{token: hunter2}]')).toEqual([
    'weir.yaml:1:11: tokens[0].token: this is too short; write at least 16 characters',
  ]);
});

test('text that is no YAML', () => {
  expect(faultsOf('a: [1\nb: {')[0]).toMatch(/^weir\.yaml:2:1: /);
  expect(faultsOf('[1]')).toEqual(['weir.yaml:1:1: the file must be a map of keys, see weir config schema']);
});
