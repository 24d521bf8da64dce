import { describe, expect, test } from 'vitest';
import { printQuery } from './print.ts';
import { readSearch } from './search/parser.ts';
import { printSearch } from './search/print.ts';
import { understand } from './search-text.ts';

/** 2026-05-01T10:30:00Z */
const now = 1_777_631_400_000_000_000n;
const logql = (text: string): string => printQuery(understand(text, now).query);
const reading = (text: string): string | undefined => understand(text, now).reading;

/** The two ends of a whole word, cut out to keep the table readable: `‹error›`. */
const edges = (query: string): string =>
  query
    .replaceAll('(?i)(?:^|[^0-9a-z\\\\x{80}-\\\\x{10ffff}])', '‹')
    .replaceAll('(?:$|[^0-9a-z\\\\x{80}-\\\\x{10ffff}])', '›');

describe('what LogQL can say becomes LogQL', () => {
  test.each([
    ['', '{}'],
    ['   ', '{}'],
    ['*', '{}'],
    ['*:*', '{}'],
    ['error', '{} |~ "‹error›"'],
    ['Error timeout', '{} |~ "‹Error›" |~ "‹timeout›"'],
    ['error AND timeout', '{} |~ "‹error›" |~ "‹timeout›"'],
    ['error && timeout', '{} |~ "‹error›" |~ "‹timeout›"'],
    ['+error +timeout', '{} |~ "‹error›" |~ "‹timeout›"'],
    ['error -debug', '{} |~ "‹error›" !~ "‹debug›"'],
    ['error !debug', '{} |~ "‹error›" !~ "‹debug›"'],
    ['error NOT debug', '{} |~ "‹error›" !~ "‹debug›"'],
    ['error AND NOT debug', '{} |~ "‹error›" !~ "‹debug›"'],
    ['NOT NOT error', '{} |~ "‹error›"'],
    ['-debug', '{} !~ "‹debug›"'],
    ['error OR timeout', '{} |~ "‹error›" or "‹timeout›"'],
    ['error || timeout', '{} |~ "‹error›" or "‹timeout›"'],
    ['-(debug OR trace)', '{} !~ "‹debug›" or "‹trace›"'],
    ['"connection refused"', '{} |~ "(?i)connection refused"'],
    ['-"connection refused"', '{} !~ "(?i)connection refused"'],
    ['"say \\"hi\\""', '{} |~ "(?i)say \\"hi\\""'],
    ['""', '{}'],
    ['10.0.0.1', '{} |~ "(?i)10\\\\.0\\\\.0\\\\.1"'],
    ['größe', '{} |~ "(?i)größe"'],
    ['user-service', '{} |~ "(?i)user-service"'],
    ['404', '{} |~ "‹404›"'],
    ['conn*', '{} |~ "‹conn"'],
    ['*fused', '{} |~ "(?i)fused›"'],
    ['*fuse*', '{} |~ "(?i)fuse"'],
    ['te?t', '{} |~ "‹te\\\\St›"'],
    ['te?t*', '{} |~ "‹te\\\\St"'],
    ['ti*out', '{} |~ "‹ti\\\\S*out›"'],
    ['/conn.*refused/', '{} |~ "conn.*refused"'],
    ['/conn.*refused/i', '{} |~ "(?i)conn.*refused"'],
    ['/a\\/b/', '{} |~ "a/b"'],
    ['-/probe/', '{} !~ "probe"'],
    ['message:timeout', '{} |~ "‹timeout›"'],
    ['message:"took too long"', '{} |~ "(?i)took too long"'],
    ['msg:(a b)', '{} |~ "‹a›" |~ "‹b›"'],
    ['body:(a OR b)', '{} |~ "‹a›" or "‹b›"'],
    ['message:/x+/', '{} |~ "x+"'],
    ['service:payment', '{service_name="payment"}'],
    ['service=payment', '{service_name="payment"}'],
    ['service = payment', '{service_name="payment"}'],
    ['service == payment', '{service_name="payment"}'],
    ['service_name:payment', '{service_name="payment"}'],
    ['service.name:"pay ment"', '{service_name="pay ment"}'],
    ["service='pay ment'", '{service_name="pay ment"}'],
    ['-service:payment', '{service_name!="payment"}'],
    ['service!=payment', '{service_name!="payment"}'],
    ['service:pay*', '{service_name=~"pay.*"}'],
    ['-service:pay*', '{service_name!~"pay.*"}'],
    ['service:(web or api)', '{service_name=~"web|api"}'],
    ['service:(web api)', '{service_name=~"web|api"}'],
    ['service:web OR service:a.b', '{service_name=~"web|a\\\\.b"}'],
    ['level:error', '{} | detected_level="error"'],
    ['level:ERROR', '{} | detected_level="error"'],
    ['level:Warning', '{} | detected_level="warn"'],
    ['log.level:err', '{} | detected_level="error"'],
    ['level:>=error', '{} | detected_level=~"error|critical|fatal"'],
    ['level:<info', '{} | detected_level=~"trace|debug"'],
    ['NOT level:debug', '{} | detected_level!="debug"'],
    ['trace_id:abc', '{} | trace_id="abc"'],
    ['traceId:abc*', '{} | trace_id=~"abc.*"'],
    ['span.id:"0a1b"', '{} | span_id="0a1b"'],
    ['error service:web level:error', '{service_name="web"} |~ "‹error›" | detected_level="error"'],
  ])('%s -> %s', (text, query) => expect(edges(logql(text))).toBe(query));
});

describe('the rest is a search stage', () => {
  test.each([
    ['status:200', 'status:200'],
    ['status=200', 'status:200'],
    ['status = 200', 'status:200'],
    ['status:=200', 'status:200'],
    ['-status:200', 'NOT status:200'],
    ['status!=200', 'NOT status:200'],
    ['status:>500', 'status:>500'],
    ['status:>=500', 'status:>=500'],
    ['status>=500', 'status:>=500'],
    ['status >= 500', 'status:>=500'],
    ['status:<500', 'status:<500'],
    ['status<=499', 'status:<=499'],
    ['latency:>1.5s', 'latency:>1.5s'],
    ['size:>10MB', 'size:>10MB'],
    ['temperature:<-5', 'temperature:<"-5"'],
    ['name:>m', 'name:>m'],
    ['status:[400 TO 499]', 'status:>=400 AND status:<=499'],
    ['status:{400 TO 500}', 'status:>400 AND status:<500'],
    ['status:[400 TO 500}', 'status:>=400 AND status:<500'],
    ['status:[500 TO *]', 'status:>=500'],
    ['status:[* TO 399]', 'status:<=399'],
    ['status:[* TO *]', 'status:*'],
    ['name:["a b" TO "c d"]', 'name:>="a b" AND name:<="c d"'],
    ['user:*', 'user:*'],
    ['_exists_:user', 'user:*'],
    ['_missing_:user', 'NOT user:*'],
    ['NOT _exists_:user', 'NOT user:*'],
    ['user:""', 'user:""'],
    ['user:ann*', 'user:ann*'],
    ['user:a?n', 'user:a?n'],
    ['user:/a.+n/', 'user=~"a.+n"'],
    ['user:?nn', 'user:?nn'],
    ['user:a?', 'user:a?'],
    ['user.keyword:ann', 'user:ann'],
    ['log.level.keyword:error user:x', 'level:error AND user:x'],
    ['keyword:x', 'keyword:x'],
    ['user=~"a.+n"', 'user=~"a.+n"'],
    ['user!~"a.+n"', 'NOT user=~"a.+n"'],
    ['user:"Ann Lee"', 'user:"Ann Lee"'],
    ['user:"a*"', 'user:"a*"'],
    ['user:a\\*', 'user:"a*"'],
    ['user.name:ann', 'user_name:ann'],
    ['user-agent:curl', 'user_agent:curl'],
    ['"user name":ann', 'user_name:ann'],
    ['http.status: 200', 'http_status:200 OR "http.status: 200"'],
    ['error: timeout', 'error:timeout OR "error: timeout"'],
    ['status:(500 or 503)', 'status:500 OR status:503'],
    ['status:(500 503)', 'status:500 OR status:503'],
    ['status:(404 OR >=500)', 'status:404 OR status:>=500'],
    ['age:(>=10 AND <20)', 'age:>=10 AND age:<20'],
    ['age:([1 TO 5] OR [8 TO *])', 'age:>=1 AND age:<=5 OR age:>=8'],
    ['status:(NOT 200)', 'NOT status:200'],
    ['tag:(a and b)', 'tag:a AND tag:b'],
    ['status:500 and user:ann', 'status:500 AND user:ann'],
    ['status:500 or user:ann', 'status:500 OR user:ann'],
    ['not status:500', 'NOT status:500'],
    ['status:500 and not user:ann', 'status:500 AND NOT user:ann'],
    ['error OR status:500', 'error OR status:500'],
    ['a OR b c', 'a OR b AND c'],
    ['a b OR c', 'a AND b OR c'],
    ['x:1 (a OR y:2)', 'x:1 AND (a OR y:2)'],
    ['NOT (a b)', 'NOT (a AND b)'],
    ['!(x:1 OR y:2)', 'NOT (x:1 OR y:2)'],
    ['(x:1)', 'x:1'],
    ['ip:10.0.0.0/8', 'ip:10.0.0.0/8'],
    ['ip:2001:db8::/32', 'ip:2001:db8::/32'],
    ['ip:10.0.0.1', 'ip:10.0.0.1'],
    ['ip:[10.0.0.1 TO 10.0.0.9]', 'ip:10.0.0.1-10.0.0.9'],
    ['severity:>=17', 'severity:>=17'],
    ['door:loki', 'door:loki'],
    ['service:*', 'service:*'],
    ['timestamp:2026-05-01', 'timestamp:>=2026-05-01T00:00:00Z AND timestamp:<2026-05-02T00:00:00Z'],
    ['@timestamp:[2026-05-01 TO 2026-05-02]', 'timestamp:>=2026-05-01T00:00:00Z AND timestamp:<2026-05-03T00:00:00Z'],
    ['@timestamp >= 2026-05', 'timestamp:>=2026-05-01T00:00:00Z'],
    ['timestamp:>2026', 'timestamp:>=2027-01-01T00:00:00Z'],
    ['timestamp:>=now-1h', 'timestamp:>=2026-05-01T09:30:00Z'],
    ['timestamp:>=now/d', 'timestamp:>=2026-05-01T00:00:00Z'],
    ['timestamp:<=now-1d/d', 'timestamp:<2026-05-01T00:00:00Z'],
    ['timestamp:<now/w', 'timestamp:<2026-04-27T00:00:00Z'],
    ['timestamp:>="2026-01-31||+1M"', 'timestamp:>=2026-02-28T00:00:00Z'],
    ['timestamp:>=2026-05-01T12:00:00+02:00', 'timestamp:>=2026-05-01T10:00:00Z'],
    ['timestamp:>=1777631400123', 'timestamp:>=2026-05-01T10:30:00.123Z'],
    ['4bf92f3577b34da6a3ce929d0e0e4736', 'anywhere:4bf92f3577b34da6a3ce929d0e0e4736'],
    ['550e8400-e29b-41d4-a716-446655440000', 'anywhere:550e8400-e29b-41d4-a716-446655440000'],
    ['user-4711', 'anywhere:user-4711'],
    ['user-4711*', 'anywhere:user-4711*'],
    ['anywhere:ann', 'anywhere:ann'],
    ['error user-4711', 'error AND anywhere:user-4711'],
  ])('%s -> %s', (text, expected) => {
    expect(reading(text)).toBe(expected);
    expect(logql(text)).toMatch(/ \| search "/);
  });
});

describe('words that are close', () => {
  test.each([
    ['roam~', 'roam~1'],
    ['roaming~', 'roaming~2'],
    ['roam~2', 'roam~2'],
    ['roam~9', 'roam~2'],
    ['roaming~0.8', 'roaming~1'],
    ['ab~', 'ab'],
    ['größe~1', 'größe~1'],
    ['-roam~1', 'NOT roam~1'],
    ['user:anna~1', 'user:anna~1'],
    ['message:roam~1', 'roam~1'],
    ['"small bike"~2', '"small bike"~2'],
    ['message:"small bike"~2', '"small bike"~2'],
    ['NOT "small bike"~2', 'NOT "small bike"~2'],
  ])('%s -> %s', (text, expected) => {
    expect(reading(text)).toBe(expected);
    expect(reading(expected)).toBe(expected);
  });

  test.each([
    ['"bike"~2', '"bike"'],
    ['"a b"~0', '"a b"'],
    ['"blue boa"*', '"blue boa"'],
    ['user:"Ann L"*', 'user:Ann\\ L*'],
    ['user:"50% *"*', 'user:50\\%\\ \\**'],
    ['~/bin', '"~/bin"'],
    ['12~1', '"12~1"'],
  ])('%s is %s', (text, expected) => expect(reading(text)).toBe(expected));
});

describe('signs and wildcards', () => {
  test.each([
    ['\\**', 'message:\\**'],
    ['a:\\***', 'a:\\**'],
    ['error?\\+', 'message:error?\\+'],
    ['message:error?%', 'message:error?\\%'],
    ['a:?', 'a:"?"'],
  ])('%s is %s', (text, expected) => {
    expect(reading(text)).toBe(expected);
    expect(reading(expected)).toBe(expected);
  });
});

describe('weights are left out', () => {
  test.each([
    ['quick^2', 'quick'],
    ['quick^0.5 OR fox^3', 'quick OR fox'],
    ['"quick fox"^2', '"quick fox"'],
    ['"quick fox"~2^3', '"quick fox"~2'],
    ['roam~1^2', 'roam~1'],
    ['user:ann^3', 'user:ann'],
    ['status:404^2', 'status:404'],
    ['user:an*^2', 'user:an*'],
    ['*^2', '*'],
    ['user:"Ann Lee"^2', 'user:"Ann Lee"'],
    ['(quick OR fox)^2 brown', '(quick OR fox) AND brown'],
    ['status:[400 TO 499]^2', 'status:>=400 AND status:<=499'],
  ])('%s -> %s', (text, expected) => {
    expect(reading(text)).toBe(expected);
    expect(understand(text, now).notes[0]).toContain('logs are ordered by time, not by weight');
  });

  test('elsewhere ^ is a sign', () => {
    expect(reading('2^10')).toBe('"2^10"');
    expect(reading('a ^2')).toBe('a AND "^2"');
    expect(reading('quick\\^2')).toBe('"quick^2"');
    expect(reading('message:*\\^2')).toBe('message:*\\^2');
    expect(reading('roam\\~1')).toBe('"roam~1"');
    expect(reading('roam\\~1^2')).toBe('"roam~1"');
  });
});

describe('one of several values', () => {
  test.each([
    ['status:IN [404 500]', 'status:404 OR status:500'],
    ['user: IN ["Ann Lee" bob] error', '(user:"Ann Lee" OR user:bob) AND error'],
    ['-user:IN [ann bob]', 'NOT (user:ann OR user:bob)'],
    ['IN [refused timeout]', 'refused OR timeout'],
    ['path:IN [/a\\ b]', 'path:"/a b"'],
    ['user:IN', 'user:IN'],
    ['user:INVALID', 'user:INVALID'],
  ])('%s -> %s', (text, expected) => expect(reading(text)).toBe(expected));
});

describe('text that is only text', () => {
  test.each([
    ['not found', '\\not AND found'],
    ['search and rescue', 'search AND \\and AND rescue'],
    ['a or b', 'a AND \\or AND b'],
    ['\\OR', '\\OR'],
    ['http://foo:8080/x', '"http://foo:8080/x"'],
    ['std::vector', '"std::vector"'],
    ['12:30:45', '"12:30:45"'],
    ['2026-05-01', '"2026-05-01"'],
    ['main.go:42', '"main.go:42"'],
    ['localhost:8080', '"localhost:8080"'],
    ['a -> b', 'a AND "->" AND b'],
    ['a => b', 'a AND "=>" AND b'],
    ['foo - bar', 'foo AND "-" AND bar'],
    ['--verbose', '"--verbose"'],
    ['panic:', '"panic:"'],
    ['dGVzdA==', '"dGVzdA=="'],
    ['what is this?', 'what AND is AND "this?"'],
    ['/api/v1/users', '"/api/v1/users"'],
    ['GET /api/v1/ 200', 'GET AND "/api/v1/" AND 200'],
    ['at com.foo.Bar(Bar.java:12)', 'at AND "com.foo.Bar(Bar.java:12)"'],
    ['main()', '"main()"'],
    ['[error]', '"[error]"'],
    ['x\\:y', '"x:y"'],
    ['a\\ b', '"a b"'],
    ['C:\\temp', '"C:\\\\temp"'],
    ['message:abc123', 'message:abc123'],
    ['fe80::1', '"fe80::1"'],
  ])('%s reads %s', (text, expected) => expect(reading(text)).toBe(expected));
});

test('notes say what may have been meant otherwise', () => {
  expect(understand('a or b').notes).toEqual(['"or" in lower case is a word here; write OR to combine']);
  expect(understand('error: x').notes[0]).toContain('without the blank it is the field only');
  expect(understand('panic:').notes[0]).toContain('a field needs its value');
  expect(understand('error service:web').notes).toEqual([]);
});

describe('which text is LogQL', () => {
  test.each([
    ['| json | status>=500', '{} | json | status>=500'],
    ['|= "x"', '{} |= "x"'],
    ['!= "x"', '{} != "x"'],
    ['{app="a"} |= "x"', '{app="a"} |= "x"'],
    ['{}', '{}'],
    ['({app="a"} |= "x")', '{app="a"} |= "x"'],
    ['sum by (x) (rate({}[5m]))', 'sum by (x) (rate({} [5m]))'],
    ['100 * sum(rate({}[5m]))', '100 * sum(rate({} [5m]))'],
    ['{} | search "a OR b:1"', '{} | search "a OR b:1"'],
    ['{} | search="x"', '{} | search="x"'],
    ['sum(rate({} | search "a OR b:>1" [5m]))', 'sum(rate({} | search "a OR b:>1" [5m]))'],
  ])('%s', (text, expected) => {
    const understood = understand(text, now);
    expect([printQuery(understood.query), understood.language]).toEqual([expected, 'logql']);
  });

  test.each([
    ['error | json | status>=500', '{} |~ "‹error›" | json | status>=500'],
    ['service:web |= "x"', '{service_name="web"} |= "x"'],
    ['"a | b" | logfmt', '{} |~ "(?i)a \\\\| b" | logfmt'],
    ['status:500 | line_format "{{.x}}"', '{} | search "status:500" | line_format "{{.x}}"'],
  ])('stages follow a search text: %s', (text, expected) => expect(edges(logql(text))).toBe(expected));

  test('a lone word or number is no metric query', () => {
    for (const text of ['404', 'rate', 'sum of parts', 'count', '(a OR b)'])
      expect(understand(text).language).toBe('search');
  });

  test('an id alone is known as such', () => {
    expect(understand('user-4711').id).toBe('user-4711');
    expect(understand('user-4711 error').id).toBeUndefined();
    expect(understand('-user-4711').id).toBeUndefined();
  });
});

describe('faults have a place and a remedy', () => {
  test.each([
    ['{app=', 6, 'expected a string'],
    ['| json | x >', 13, 'expected'],
    ['sum(rate({}[5m])', 17, 'expected'],
    ['error | jsn', 9, 'did you mean json?'],
    ['{"level"="error"}', 2, 'without quotes'],
    ['{app="x"} error', 11, '|= "error"'],
    ['error | warn', 9, 'write error OR warn'],
    ['cat foo | grep bar', 11, '|= "text" finds what grep does'],
    ['a AND OR b', 7, 'OR needs something before it'],
    ['"open', 1, 'quote is not closed'],
    ['(a', 1, 'parenthesis is not closed'],
    ['user:"a b"~2', 6, 'words at a distance are of the message'],
    ['level:eror~', 7, 'cannot be searched with ~'],
    ['status:IN []', 8, 'IN needs values'],
    ['AND x', 1, 'AND needs something before it'],
    ['x OR', 3, 'OR needs something after it'],
    ['x OR OR y', 6, 'OR needs something before it'],
    ['x NOT', 3, 'NOT needs something after it'],
    ['level:eror', 7, 'unknown level "eror"; levels are trace, debug'],
    ['level:>foo', 8, 'levels in order are'],
    ['timestamp:yesterday', 11, 'write 2026-05-01'],
    ['timestamp:>2026-02-31', 12, 'cannot read "2026-02-31" as a time'],
    ['status:[400 TO 499', 8, 'a range is written status:[from TO to]'],
    ['x user*:ann', 3, 'wildcards work in values'],
    ['user:{ name:ann }', 6, 'nested fields are written with dots'],
    ['user:/a(/', 6, 'error parsing regexp'],
    ['x=~"a("', 4, 'error parsing regexp'],
    ['message:>5', 10, 'name a field with numbers'],
    ['a\nb OR', 3, 'OR needs something after it'],
    ['{} | search "a OR"', 13, 'invalid search text'],
    ['{} | search "timestamp:>now-1h"', 13, 'now is not known inside a stage'],
  ])('%s: column %i, %s', (text, column, reason) => {
    let fault: { message: string; column?: number } | undefined;
    try {
      understand(text, now);
    } catch (error) {
      fault = error as typeof fault;
    }
    expect(fault?.message).toContain(reason);
    expect(fault?.column).toBe(column);
  });

  test('too many terms and too deep nesting are refused by name', () => {
    expect(() => understand('a '.repeat(301))).toThrow('more than 300 words and conditions');
    expect(() => understand(`${'('.repeat(60)}a${')'.repeat(60)}`)).toThrow('more than 50 nested');
    expect(() => understand('-'.repeat(1) + 'NOT '.repeat(60) + 'a')).toThrow('more than 50 nested');
  });
});

test('the normal form reads back as itself', () => {
  const texts = [
    'error timeout service:payment -status:200 latency_ms:>500 "exact phrase" trace_id:abc*',
    'a OR (b AND NOT (c OR d:>=1.5s)) OR te?t*',
    'x:"a \\"b\\" \\\\c" OR x:a\\ b* OR \\not OR message:abc123',
    'user=~"a\\\\d+\\\\.b" OR /x y\\/z/ OR ip:10.0.0.1-10.0.0.9',
    'NOT (timestamp:2026-05-01) OR anywhere:"a b" OR user:""',
  ];
  for (const text of texts) {
    const once = readSearch(text, now).condition;
    expect(readSearch(printSearch(once), now).condition, printSearch(once)).toEqual(once);
  }
});
