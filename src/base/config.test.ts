import { describe, expect, test } from 'vitest';
import { parseConfig, strayVariables } from './config.ts';

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

describe('variables of the environment', () => {
  const faults = (environment: Record<string, string>, text = ''): string[] => {
    try {
      parseConfig(text, 'weir.yaml', environment);
      return [];
    } catch (error) {
      return (error as Error).message.split('\n');
    }
  };

  test('set keys above those of the file', () => {
    const config = parseConfig('listen: a:1\nretention: {days: 3}', 'weir.yaml', {
      WEIR_LISTEN: 'b:2',
      WEIR_STORE__PASSWORD: 'hunter2',
      WEIR_LIMITS__QUERY_TIMEOUT: '5s',
      OTHER_LISTEN: 'c:3',
    });
    expect(config).toMatchObject({
      listen: 'b:2',
      store: { password: 'hunter2' },
      limits: { query_timeout: 5000 },
      retention: { days: 3 },
    });
  });

  test.each([
    ['WEIR_LISTN', 'WEIR_LISTEN'],
    ['WEIR_STORE_PASSWORD', 'WEIR_STORE__PASSWORD'],
    ['WEIR_STORE__PASSWROD', 'WEIR_STORE__PASSWORD'],
    ['WEIR_RETENTION__DAY', 'WEIR_RETENTION__DAYS'],
    ['WEIR_LIMIT__QUERY_TIMEOUT', 'WEIR_LIMITS__QUERY_TIMEOUT'],
    ['WEIR_TENNANT', 'WEIR_TENANT'],
    ['WEIR_LOGLEVEL', 'WEIR_LOG_LEVEL'],
  ])('misspelt are faults: %s', (name, meant) => {
    expect(faults({ [name]: 'x' })).toEqual([`environment: unknown variable "${name}"; did you mean "${meant}"?`]);
  });

  test('are told behind the faults of the file, and without their value', () => {
    expect(faults({ WEIR_STORE_PASSWORD: 'hunter2' }, 'listn: x')).toEqual([
      'weir.yaml:1:1: unknown key "listn"; did you mean "listen"?',
      'environment: unknown variable "WEIR_STORE_PASSWORD"; did you mean "WEIR_STORE__PASSWORD"?',
    ]);
  });

  test('of others are left alone, and told where they may be meant for Weir', () => {
    const environment = {
      WEIR_SERVICE_HOST: '10.0.0.1',
      WEIR_SERVICE_PORT_HTTP: '7575',
      WEIR_PORT: 'tcp://10.0.0.1:7575',
      WEIR_PORT_7575_TCP_ADDR: '10.0.0.1',
      WEIR_URL: 'http://127.0.0.1:7575',
      WEIR_TEST_SEED: '1',
      WEIR_DEMO: 'false',
      WEIR_BUILD_DATE: 'x',
    };
    expect(faults(environment)).toEqual([]);
    expect(strayVariables(environment)).toEqual(['WEIR_BUILD_DATE']);
  });
});

test('text that is no YAML', () => {
  expect(faultsOf('a: [1\nb: {')[0]).toMatch(/^weir\.yaml:2:1: /);
  expect(faultsOf('[1]')).toEqual(['weir.yaml:1:1: the file must be a map of keys, see weir config schema']);
});
