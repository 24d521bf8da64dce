import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { eventually, json, ndjson } from './ask.ts';

/** Event n happened n seconds after this. */
const start = Date.parse('2026-03-01T12:00:00.000Z');
const at = (n: number): string => new Date(start + n * 1000).toISOString();

const events: Record<string, unknown>[] = [
  {
    event: { category: 'process', type: ['start', 'allowed'] },
    process: { name: 'cmd.exe', pid: 100, command_line: 'cmd /c whoami', args: ['cmd', '/c', 'whoami'], args_count: 3, parent: { name: 'explorer.exe', pid: 50 } },
    user: { name: 'ann', domain: 'CORP' },
    'host.name': 'h1',
    elevated: true,
  },
  {
    'event.category': 'process', 'process.name': 'Powershell.EXE', 'process.pid': 200, 'process.command_line': 'powershell -enc AAAA',
    'process.args_count': 4, 'process.parent.name': 'cmd.exe', 'process.parent.pid': 100, 'user.name': 'Ann', 'host.name': 'h1', elevated: false,
  },
  {
    'event.category': 'network', 'source.ip': '10.1.2.3', 'destination.ip': '192.168.152.12', 'destination.port': 443,
    'url.domain': 'subdomain.example.com', 'user.name': 'bob', 'host.name': 'h2', bytes: 1536,
  },
  { 'event.category': 'network', 'source.ip': 'fe80::1', 'destination.ip': '2001:db8::5', 'destination.port': 53, 'user.name': '', 'host.name': 'h2', bytes: 0.5 },
  {
    'event.category': 'file', 'file.path': 'C:\\Windows\\System32\\cmd.exe', 'file.name': 'cmd.exe', 'file.extension': 'exe', 'user.name': 'SYSTEM',
    size: 4, message: 'created cmd.exe',
  },
  { 'event.category': 'file', 'file.path': '/tmp/a b%_c', 'file.name': 'a b%_c', size: -7, 'user.name': null, text: 'zwei\nZeilen', emoji: 'grüße 😀' },
  {
    'event.category': 'my-category', 'trace.id': 'ABCDEF12', 'service.name': 'web', 'log.level': 'error', hex: '0xff', num: '1337', plus: '+1337', bad: 'x1',
    big: 'BIG',
  },
  { tags: ['red', 'Blue'], ports: [80, 8080], 'odd-name': 'yes', '6x': 'six', deep: { a: { b: { c: 'leaf' } } } },
]; // biome-ignore format: one event, few lines

let weir: UnderTest;
beforeAll(async () => {
  weir = await startWeir({});
  const lines = events.map((event, i) =>
    JSON.stringify({ '@timestamp': at(i + 1), id: i + 1, ...event }).replace('"BIG"', '9007199254740993'),
  );
  await weir.post('/ingest/json', lines.join('\n'), ndjson);
  await eventually(
    () => ids('any where true'),
    found => found.length === events.length,
  );
}, 60_000);
afterAll(() => weir?.stop());

type Answer = { hits: { total: object; events: { _source: Record<string, unknown>; _id: string; fields?: object }[] } };

async function ask(
  body: Record<string, unknown>,
): Promise<{ status: number; body: Answer & { error?: { reason: string; type: string } } }> {
  const reply = await weir.post('/logs/_eql/search', JSON.stringify(body), json);
  return { status: reply.status, body: JSON.parse(reply.body) as Answer };
}

async function ids(query: string, more: Record<string, unknown> = {}): Promise<unknown[]> {
  const { status, body } = await ask({ query, size: 100, ...more });
  if (status !== 200) throw new Error(`${status} ${body.error?.reason}`);
  return body.hits.events.map(event => event._source.id);
}

describe('conditions', () => {
  it.each<[string, number[]]>([
    ['process where true', [1, 2]],
    ['"my-category" where true', [7]],
    ['any where true', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['Process where true', []],
    // ==, != and case
    ['any where process.name == "cmd.exe"', [1]],
    ['any where process.name == "CMD.EXE"', []],
    ['any where process.name == "cmd*"', []],
    ['any where process.name != "cmd.exe"', [2, 3, 4, 5, 6, 7, 8]],
    ['any where "cmd.exe" == process.name', [1]],
    ['any where process.name == process.parent.name', []],
    ['any where process.name != process.parent.name', [1, 2]],
    ['any where process.pid > process.parent.pid', [1, 2]],
    ['any where user.name == ""', [4]],
    ['any where user.name != ""', [1, 2, 3, 5, 6, 7, 8]],
    // :
    ['any where process.name : "CMD.exe"', [1]],
    ['any where process.name : "*.exe"', [1, 2]],
    ['any where process.name : "power*"', [2]],
    ['any where process.name : "c?d.exe"', [1]],
    ['any where process.name : ("nothing", "POWERSHELL.*")', [2]],
    ['any where file.name : "a b%_c"', [6]],
    ['any where file.name : "a b%x?"', []],
    ['any where file.name : "a?b*"', [6]],
    ['any where file.path : "c:\\\\windows\\\\*"', [5]],
    ['any where file.path : """c:\\windows\\*"""', [5]],
    ['any where text : "zwei*zeilen"', [6]],
    ['any where user.name : "*"', [1, 2, 3, 4, 5]],
    // like, regex
    ['any where process.name like "*.exe"', [1]],
    ['any where process.name like~ "*.exe"', [1, 2]],
    ['any where process.name like ("Power*", "cmd*")', [1, 2]],
    ['any where process.name like "cmd"', []],
    ['any where process.name regex "[a-z]+\\\\.exe"', [1]],
    ['any where process.name regex """[a-z]+\\.exe"""', [1]],
    ['any where process.name regex "cmd"', []],
    ['any where process.name regex~ ("power.*", "x")', [2]],
    ['any where text regex "zwei.Zeilen"', [6]],
    ['any where wildcard(process.name, "cmd*", "Power*.exe")', [1]],
    ['any where wildcard~(process.name, "CMD*", "POWER*.exe")', [1, 2]],
    ['any where match(process.name, "c.d[.]exe", "x")', [1]],
    ['any where match~(process.name, "POWER.*")', [2]],
    ['any where process.name.keyword == "cmd.exe"', [1]],
    // in
    ['any where process.name in ("cmd.exe", "x")', [1]],
    ['any where process.name in~ ("CMD.EXE", "powershell.exe")', [1, 2]],
    ['any where process.name not in ("cmd.exe")', [2, 3, 4, 5, 6, 7, 8]],
    ['any where process.name not in~ ("powershell.exe")', [1, 3, 4, 5, 6, 7, 8]],
    ['any where user.name in ("ann", "bob", "x", "y", "z")', [1, 3]],
    ['any where user.name not in ("ann", "bob", "x", "y", "z")', [2, 4, 5, 6, 7, 8]],
    ['any where user.name in~ ("ANN", "BOB", "x", "y", "z")', [1, 2, 3]],
    ['any where process.pid in (100, 300)', [1]],
    ['any where user.name in ("")', [4]],
    ['any where process.pid in (100, 300, 400.5, -7)', [1]],
    ['any where process.pid not in (100, 300, 400.5, -7)', [2, 3, 4, 5, 6, 7, 8]],
    ['any where process.name : ("x*", "y?", "z", "w.", "POWER*.exe")', [2]],
    ['any where process.name : ("x", "y", "z", "w", "CMD.EXE")', [1]],
    ['any where process.name like ("x*", "y?", "z", "cmd_exe", "*.EXE")', [2]],
    ['any where process.name like ("x", "y", "z", "CMD.EXE", "cmd.exe")', [1]],
    ['any where process.name regex ("x|y", "y+", "z", "c.*e")', [1]],
    ['any where not process.name : ("x*", "y?", "z", "w.", "POWER*.exe")', [1, 3, 4, 5, 6, 7, 8]],
    ['any where tags in ("x", "y", "z", "Blue")', [8]],
    ['any where ports in (1, 2, 3, 8080)', [8]],
    ['any where substring(substring(process.name, 0, 5), 1) == "md.e"', [1]],
    ['any where substring(substring(process.name, -7, -1), -3) == ".ex"', [1]],
    // numbers
    ['any where process.pid == 100', [1]],
    ['any where process.pid == 100.0', [1]],
    ['any where process.pid >= 100 and process.pid < 200', [1]],
    ['any where size < 0', [6]],
    ['any where size == -7', [6]],
    ['any where bytes == 0.5', [4]],
    ['any where bytes > 0.5', [3]],
    ['any where big == 9007199254740993', [7]],
    ['any where big == 9007199254740992', []],
    ['any where big > 9007199254740992', [7]],
    ['any where file.name > "b"', [5]],
    // a plain test of a missing field is false, so its negation is true
    ['any where not process.name == "cmd.exe"', [2, 3, 4, 5, 6, 7, 8]],
    ['any where not not process.name == "cmd.exe"', [1]],
    ['any where not (process.name == "cmd.exe" and user.name == "ann")', [2, 3, 4, 5, 6, 7, 8]],
    ['any where not (process.name == "cmd.exe" or user.name == "ann")', [2, 3, 4, 5, 6, 7, 8]],
    ['any where (process.name == "cmd.exe") == false', [2, 3, 4, 5, 6, 7, 8]],
    ['any where (process.name == "cmd.exe") != true', [2, 3, 4, 5, 6, 7, 8]],
    ['any where (process.name == "cmd.exe") != false', [1]],
    ['any where size != 4 and size != null', [6]],
    ['any where not size > 0', [1, 2, 3, 4, 6, 7, 8]],
    // what is computed of a missing field is neither true nor false
    ['any where not length(file.name) == 7', [6]],
    ['any where length(file.name) != 7', [6]],
    ['any where length(file.name) not in (7)', [6]],
    ['any where (length(file.name) == 7) == false', [6]],
    ['any where not (length(file.name) == 7 and size == 4)', [1, 2, 3, 4, 6, 7, 8]],
    ['any where not startsWith(file.name, user.name)', [5]],
    ['any where not size + 1 == 5', [6]],
    // and, or, null
    ['any where process.name == "cmd.exe" or user.name == "bob"', [1, 3]],
    ['any where not user.name : "ann"', [3, 4, 5, 6, 7, 8]],
    ['any where process.name == null', [3, 4, 5, 6, 7, 8]],
    ['any where process.name != null', [1, 2]],
    ['any where not process.name == null', [1, 2]],
    ['any where user.name == null', [6, 7, 8]],
    ['any where null == user.name', [6, 7, 8]],
    ['any where ?nosuch == null and size == 4', [5]],
    ['any where ?nosuch == "x" or size == 4', [5]],
    ['any where not ?nosuch == "x"', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['any where ?nosuch != "x" and size == 4', [5]],
    ['any where not length(?nosuch) == 1', []],
    // booleans
    ['any where elevated', [1]],
    ['any where not elevated', [2, 3, 4, 5, 6, 7, 8]],
    ['any where elevated == true', [1]],
    ['any where elevated != true', [2, 3, 4, 5, 6, 7, 8]],
    ['any where elevated == false', [2]],
    ['any where (size == 4) == true', [5]],
    ['any where false or size == 4', [5]],
    // arithmetic
    ['any where process.args_count + 1 == 4', [1]],
    ['any where process.args_count * 2 - 1 == 7', [2]],
    ['any where process.args_count / 2 == 1', [1]],
    ['any where process.args_count / 2.0 == 1.5', [1]],
    ['any where (4 / process.args_count) == 1', [1, 2]],
    ['any where (4.0 / process.args_count) == 1', [2]],
    ['any where size / 2 == -3', [6]],
    ['any where size % 4 == -3', [6]],
    ['any where process.pid % 3 == 1', [1]],
    ['any where process.pid / 0 == 1', []],
    ['any where -size == 7', [6]],
    ['any where bytes * 2 == 1', [4]],
    // several values
    ['any where process.args == "whoami"', [1]],
    ['any where process.args : "WHO*"', [1]],
    ['any where process.args in ("x", "/c")', [1]],
    ['any where tags == "red"', [8]],
    ['any where tags : "blue"', [8]],
    ['any where not tags == "red"', [1, 2, 3, 4, 5, 6, 7]],
    ['any where tags != "green"', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['any where tags != "red"', [1, 2, 3, 4, 5, 6, 7]],
    ['any where ports > 1000', [8]],
    ['any where ports == 80', [8]],
    ['any where startsWith(tags, "Bl")', [8]],
    ['any where event.type == "allowed"', [1]],
    // names
    ['any where `odd-name` == "yes"', [8]],
    ['any where `6x` == "six"', [8]],
    ['any where deep.a.b.c == "leaf"', [8]],
    ['any where process.parent.name == "explorer.exe"', [1]],
    ['any where user.domain == "CORP"', [1]],
    ['any where trace.id == "abcdef12"', [7]],
    ['any where service.name == "web"', [7]],
    ['any where log.level == "error"', [7]],
    ['any where message == "created cmd.exe"', [5]],
    ['any where @timestamp == "2026-03-01T12:00:03Z"', [3]],
    ['any where @timestamp >= "2026-03-01T12:00:07.000Z"', [7, 8]],
    ['any where @timestamp < "2026-03-01T12:00:02Z"', [1]],
    ['any where @timestamp >= "2026-03-01||/d" and @timestamp < "2026-03-01T12:00:00Z||+3s"', [1, 2]],
    ['any where @timestamp > "now+1d"', []],
    [`any where @timestamp > ${start + 7000}`, [8]],
    [`any where @timestamp == ${start + 7000}000`, [7]],
    [`any where @timestamp == ${start + 7000}000000`, [7]],
    ['any where @timestamp < 5', []],
  ])('%s', async (query, found) => {
    expect(await ids(query)).toEqual(found);
  });
});

describe('functions', () => {
  /** True of event 3 or 5 alone when the function gives what it should. */
  it.each<[string, number[]]>([
    ['add(size, 5) == 9', [5]],
    ['add(4, 0.5) == 4.5 and size == 4', [5]],
    ['add(null, size) == null and size == 4', [5]],
    ['subtract(size, 6) == -2', [5]],
    ['multiply(size, 0.25) == 1', [5]],
    ['divide(size, 3) == 1', [5]],
    ['divide(size, 0.5) == 8', [5]],
    ['divide(-4, 3) == -1 and size == 4', [5]],
    ['modulo(size, 3) == 1', [5]],
    ['modulo(10, 0.5) == 0 and size == 4', [5]],
    ['modulo(-10, -6) == -4 and size == 4', [5]],
    ['between(file.path, "System32\\\\", ".exe") == "cmd"', [5]],
    ['between(file.path, "system32\\\\", ".exe") == ""', [5, 6]],
    ['between~(file.path, "system32\\\\", ".EXE") == "cmd"', [5]],
    ['between(file.path, "\\\\", "\\\\") == "Windows"', [5]],
    ['between(file.path, "\\\\", "\\\\", false) == "Windows"', [5]],
    ['between(file.path, "\\\\", "\\\\", true) == "Windows\\\\System32"', [5]],
    ['between(file.path, "nothing", ".exe") == ""', [5, 6]],
    ['between(file.path, "", "") == "" and size == 4', [5]],
    ['between(file.path, "system32\\\\", ".exe", false, false) == "cmd"', [5]],
    ['between(file.path, "system32\\\\", ".exe", false, true) == ""', [5, 6]],
    ['between(?nosuch, "a", "b") == null and size == 4', [5]],
    ['cidrMatch(source.ip, "10.0.0.0/8")', [3]],
    ['cidrMatch(destination.ip, "10.0.0.0/8", "192.168.0.0/16")', [3]],
    ['cidrMatch(source.ip, "fe80::/10")', [4]],
    ['cidrMatch(destination.ip, "2001:db8::/32")', [4]],
    ['not cidrMatch(source.ip, "10.0.0.0/8")', [1, 2, 4, 5, 6, 7, 8]],
    ['cidrMatch(source.ip, "11.0.0.0/8")', []],
    ['cidrMatch(user.name, "0.0.0.0/0")', []],
    ['cidrMatch(source.ip, null) == null and bytes == 0.5', [4]],
    ['concat(file.name, ":", size) == "cmd.exe:4"', [5]],
    ['concat(file.name, " ", 42.5, " ", true) == "cmd.exe 42.5 true"', [5]],
    ['concat(file.name) == "cmd.exe"', [5]],
    ['concat(?nosuch, "x") == null and size == 4', [5]],
    ['endsWith(file.name, ".exe")', [5]],
    ['endsWith(file.name, ".EXE")', []],
    ['endsWith~(file.name, ".EXE")', [5]],
    ['endsWith("ntdll.exe", file.extension)', [5]],
    ['not endsWith(file.name, ".exe")', [1, 2, 3, 4, 6, 7, 8]],
    ['indexOf(url.domain, ".") == 9', [3]],
    ['indexOf(url.domain, ".", 9) == 9', [3]],
    ['indexOf(url.domain, ".", 10) == 17', [3]],
    ['indexOf(url.domain, ".", -6) == 9', [3]],
    ['indexOf(url.domain, "") == 0', [3]],
    ['indexOf(url.domain, "", 10) == 10', [3]],
    ['indexOf(url.domain, "z") == null and bytes == 1536', [3]],
    ['indexOf(url.domain, ".", 30) == null and bytes == 1536', [3]],
    ['indexOf(url.domain, ".", null) == null and bytes == 1536', [3]],
    ['indexOf~(url.domain, "EXAMPLE") == 10', [3]],
    ['length(file.name) == 7', [5]],
    ['length(emoji) == 7', [6]],
    ['length(user.name) == 0', [4]],
    ['length(?nosuch) == null and size == 4', [5]],
    ['number(num) == 1337', [7]],
    ['number(plus) == 1337', [7]],
    ['number(hex) == 255', [7]],
    ['number(hex, 16) == 255', [7]],
    ['number("deadbeef", 16) == 3735928559 and size == 4', [5]],
    ['number("0xdeadbeef", null) == 3735928559 and size == 4', [5]],
    ['number("  1337  ") == 1337 and size == 4', [5]],
    ['number("-1337") == -1337 and size == 4', [5]],
    ['number("42.5") == 42.5 and size == 4', [5]],
    ['number("1011", 2) == 11 and size == 4', [5]],
    ['number(bad) == null and hex == "0xff"', [7]],
    ['startsWith(file.name, "cmd")', [5]],
    ['startsWith(file.name, "CMD")', []],
    ['startsWith~(file.name, "CMD")', [5]],
    ['startsWith("cmd.exe and more", file.name)', [5]],
    ['startsWith(file.name, null) == null and size == 4', [5]],
    ['startsWith("", "") and size == 4', [5]],
    ['string(size) == "4"', [5]],
    ['string(42) == "42" and size == 4', [5]],
    ['string(42.5) == "42.5" and size == 4', [5]],
    ['string(true) == "true" and size == 4', [5]],
    ['string(size + 1) == "5"', [5]],
    ['stringContains(file.path, "System")', [5]],
    ['stringContains(file.path, "system")', []],
    ['stringContains~(file.path, "system")', [5]],
    ['stringContains(file.path, file.name)', [5, 6]],
    ['stringContains("", "") and size == 4', []],
    ['stringContains(file.path, "") and size == 4', []],
    ['stringContains~(emoji, "GRÜSSE")', []],
    ['stringContains~(emoji, "GRÜ")', [6]],
    ['substring(file.name, 4) == "exe"', [5]],
    ['substring(file.name, 0, 3) == "cmd"', [5]],
    ['substring(file.name, -4) == ".exe"', [5]],
    ['substring(file.name, -4, -1) == ".ex"', [5]],
    ['substring(file.name, 5, 3) == "" and size == 4', [5]],
    ['substring(file.name, 99) == "" and size == 4', [5]],
    ['substring(emoji, 6) == "😀"', [6]],
    // Missing arguments, where the engine's own functions would pass over them.
    ['substring(?nosuch, 5, -10) == ""', []],
    ['substring(file.name, 5, ?nosuch) == "xe" and size == 4', []],
    ['substring(process.name, bytes, -10) == ""', []],
    ['indexOf(url.domain, ".", size) == 9', []],
    ['indexOf(file.name, "e", size) == 4', [5]],
    ['length(concat(file.name, substring(file.path, 0, 2))) == 9', [5]],
  ])('%s', async (condition, found) => {
    expect(await ids(`any where ${condition}`)).toEqual(found);
  });
});

describe('the answer', () => {
  it.each<[string, number[], Record<string, unknown>]>([
    ['any where true | head 3', [1, 2, 3], {}],
    ['any where true | tail 3', [6, 7, 8], {}],
    ['any where true | tail 5 | head 2', [4, 5], {}],
    ['any where true | head 5 | tail 2', [4, 5], {}],
    ['any where true', [7, 8], { size: 2 }],
    ['any where true', [1, 2], { size: 2, result_position: 'head' }],
    ['any where true | head 5', [1, 2], { size: 2 }],
    ['any where true', [], { size: 0 }],
    ['any where true | unique host.name', [1, 3, 5], {}],
    ['any where user.name != null | unique host.name, event.category | tail 2', [3, 5], {}],
    ['any where size != null | sort size', [6, 5], {}],
    ['process where true | sort process.pid | head 1', [1], {}],
    ['any where process.name == "CMD.exe"', [1], { case_sensitive: false }],
    ['any where stringContains(file.path, "SYSTEM32")', [5], { case_sensitive: false }],
    ['h1 where true', [1, 2], { event_category_field: 'host.name' }],
    ['any where true', [3, 4], { filter: { range: { '@timestamp': { gt: at(2), lte: at(4) } } } }],
    [
      'any where true',
      [3],
      { filter: { bool: { must: [{ term: { 'host.name': 'h2' } }], must_not: { term: { bytes: 0.5 } } } } },
    ],
    [
      'any where true',
      [1, 5],
      { filter: { bool: { should: [{ terms: { size: [4] } }, { match: { 'process.command_line': 'WHOAMI' } }] } } },
    ],
    ['any where true', [3, 4], { filter: { exists: { field: 'bytes' } } }],
    ['any where true', [2], { filter: { prefix: { 'process.name': 'Power' } } }],
    ['any where true', [2], { filter: { wildcard: { 'process.name': { value: 'POWER*', case_insensitive: true } } } }],
    ['any where true', [6, 7, 8], { filter: { bool: { must_not: [{ exists: { field: 'user.name' } }] } } }],
    ['any where true', [3], { filter: { range: { bytes: { gte: 1, lt: 2000 } } } }],
    ['any where true', [], { filter: { match_none: {} } }],
  ])('%s gives %j with %j', async (query, found, more) => {
    expect(await ids(query, more)).toEqual(found);
  });

  it('gives events back as they were sent', async () => {
    const { body } = await ask({ query: 'process where process.pid == 100', fields: ['process.p*', 'id'] });
    const [hit] = body.hits.events;
    expect(hit).toEqual({
      _index: 'logs',
      _id: expect.stringMatching(/^\d+$/),
      _source: { '@timestamp': at(1), id: 1, ...events[0] },
      fields: { id: [1], 'process.pid': [100], 'process.parent.name': ['explorer.exe'], 'process.parent.pid': [50] },
    });
    expect(body).toMatchObject({ is_partial: false, is_running: false, timed_out: false });
    expect(body.hits.total).toEqual({ value: 1, relation: 'eq' });
  });

  it('puts an event with a message together again', async () => {
    const { body } = await ask({ query: 'file where size == 4' });
    expect(body.hits.events[0]?._source).toMatchObject({
      '@timestamp': at(5),
      message: 'created cmd.exe',
      id: 5,
      size: 4,
      file_name: 'cmd.exe',
    });
  });

  it('counts', async () => {
    const groups = async (query: string) => (await ask({ query })).body.hits.events.map(event => event._source);
    expect(await groups('any where true | count')).toEqual([{ count: 8, percent: 1, key: [] }]);
    expect(await groups('any where host.name != null | count host.name, event.category')).toEqual([
      { count: 2, percent: 0.5, key: ['h1', 'process'] },
      { count: 2, percent: 0.5, key: ['h2', 'network'] },
    ]);
    expect(await groups('any where true | count event.category | tail 1')).toMatchObject([{ count: 2 }]);
  });

  it.each([
    [
      { query: 'any where nosuch == 1' },
      'verification_exception',
      'Found 1 problem\nline 1:11: Unknown column [nosuch]',
    ],
    [{ query: 'any where proces.pid == 1' }, 'verification_exception', 'did you mean [process_pid]'],
    [{ query: 'any where a = 1' }, 'parsing_exception', 'line 1:13'],
    [{ query: 'any where @timestamp > "soon"' }, 'verification_exception', '[soon] is no time'],
    [{ qery: 'x' }, 'illegal_argument_exception', 'unknown field [qery], did you mean [query]?'],
    [{}, 'illegal_argument_exception', 'query is null or empty'],
    [{ query: 'any where true', size: -1 }, 'illegal_argument_exception', '[size]'],
    [{ query: 'any where true', size: 10_001 }, 'illegal_argument_exception', '[size]'],
    [{ query: 'any where true', fetch_size: 1 }, 'illegal_argument_exception', '[fetch_size]'],
    [{ query: 'any where true', result_position: 'middle' }, 'illegal_argument_exception', 'head or tail'],
    [
      { query: 'any where true', runtime_mappings: { a: { type: 'long', script: 'emit(1)' } } },
      'illegal_argument_exception',
      'runtime_mappings',
    ],
    [{ query: 'any where true', filter: { trem: { a: 1 } } }, 'illegal_argument_exception', 'did you mean [term]?'],
    [
      { query: 'any where true', filter: { range: { '@timestamp': { gte: 'never' } } } },
      'illegal_argument_exception',
      'is no time',
    ],
    [
      { query: 'process where true', event_category_field: 'nosuch' },
      'verification_exception',
      'Unknown column [nosuch]',
    ],
    [{ query: 'any where true', timestamp_field: 'nosuch' }, 'verification_exception', 'Unknown column [nosuch]'],
  ])('refuses %j', async (body, type, reason) => {
    const answer = await ask(body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({ type, reason: expect.stringContaining(reason) });
  });

  it('takes GET with parameters, without an index, and the media type of newer clients', async () => {
    const got = await fetch(`${weir.url}/_eql/search?size=1&query=${encodeURIComponent('process where true')}`);
    expect(got.headers.get('x-elastic-product')).toBe('Elasticsearch');
    expect(((await got.json()) as Answer).hits.events).toHaveLength(1);
    const type = 'application/vnd.elasticsearch+json; compatible-with=8';
    const reply = await weir.post('/a,b*/_eql/search', '{"query":"file where true"}', {
      'content-type': type,
      accept: type,
    });
    expect(reply.headers['content-type']).toMatch(/elasticsearch\+json; compatible-with="?8/);
    expect(JSON.parse(reply.body)).toMatchObject({ hits: { events: [{ _index: 'weir' }, { _index: 'weir' }] } });
  });

  it('answers nothing for a tenant without records', async () => {
    const reply = await weir.post('/_eql/search', '{"query":"any where x == 1"}', {
      ...json,
      'x-scope-orgid': 'empty',
    });
    expect(JSON.parse(reply.body)).toMatchObject({ hits: { total: { value: 0, relation: 'eq' }, events: [] } });
  });
});
