import { describe, expect, it } from 'vitest';
import { understand } from './search-text.ts';

// What people paste into a search box: every piece must be in the line it was copied from, or name a field of it.
const reading = (text: string): string | undefined => understand(text, 1_777_631_400_000_000_000n).reading;
const notes = (text: string): string[] => understand(text, 1_777_631_400_000_000_000n).notes;

describe('pasted texts', () => {
  it.each([
    // stack traces and errors
    ['java.io.IOException: Broken pipe', '(java_io_IOException:Broken OR "java.io.IOException: Broken") AND pipe'],
    ['\tat com.example.Foo.bar(Foo.java:42)', 'at AND "com.example.Foo.bar(Foo.java:42)"'],
    ['line 12, in <module>', 'line AND "12," AND in AND "<module>"'],
    ['Traceback (most recent call last):', 'Traceback AND most AND recent AND call AND last AND ":"'],
    ['ORA-00942: table or view does not exist', '(ORA_00942:table OR "ORA-00942: table") AND \\or AND view AND does AND \\not AND exist'],
    ['error: disk or network', '(error:disk OR "error: disk") AND \\or AND network'],
    ['goroutine 1 [running]:', 'goroutine AND 1 AND "[running]:"'],
    ['call last):', 'call AND "last):"'],
    ['fn(x, y) failed', '"fn(x," AND "y)" AND failed'],
    ['(fn(x, y) OR z)', '"fn(x," AND "y)" OR z'],
    [':-)', '":-)"'],
    ['main () started', 'main AND "()" AND started'],
    ['( ) x', '"( )" AND x'],
    ['import java.util.*: x', 'import AND message:java.util.*\\: AND x'],
    ['a*b::c*:', 'message:a*b\\:\\:c*\\:'],
    // SQL
    ["INSERT INTO t VALUES (1, 'a|b')", 'INSERT AND INTO AND t AND VALUES AND "1," AND "a|b"'],
    ["WHERE id = 5 AND name = 'bob'", 'WHERE AND id:5 AND name:bob'],
    ['if (x == y) fail', 'if AND (x:y OR "x == y") AND fail'],
    ["UPDATE t SET a='b' WHERE c = 1", 'UPDATE AND t AND SET AND (a:b OR "a=\'b\'") AND WHERE AND (c:1 OR "c = 1")'],
    ['User not found: id', 'User AND \\not AND (found:id OR "found: id")'],
    ['curl: (7) Failed', '(curl:7 OR "curl: (7)") AND Failed'],
    ['Get "https://10.0.0.1/api": x509', 'Get AND "https://10.0.0.1/api" AND ":" AND x509'],
    ['request: "GET /"', 'request:"GET /" OR "request: GET /" OR "request: \\"GET /\\""'],
    ['a|b|id=5', '"a|b|id=5"'],
    ['c <- d', 'c AND "<-" AND d'],
    // addresses, names and hashes with colons
    ['api.example.com:443', '"api.example.com:443"'],
    ['db.local:5432 refused', '"db.local:5432" AND refused'],
    ['root@web1:/var/log', '"root@web1:/var/log"'],
    ['arn:aws:s3:::bucket', '"arn:aws:s3:::bucket"'],
    ['C:/Users/ann', '"C:/Users/ann"'],
    ['jdbc:postgresql://db/x', '"jdbc:postgresql://db/x"'],
    ['x=1&y=2', '"x=1&y=2"'],
    ['http.status_code:500', 'http_status_code:500'],
    ['"arn":x', '"arn":x'],
    ['arn=x', '"arn":x'],
    ['status:"400..499"', 'status:"400..499"'],
    // pairs with commas
    ['service="web", level="error"', 'service:web AND level:error'],
    ['user=ann, action=login; ok=true', 'user:ann AND action:login AND ok:true'],
    ['a, b', '"a," AND b'],
    // pipes inside of words
    ['2026|INFO|started', '"2026|INFO|started"'],
    ['error|warn', '"error|warn"'],
    ['error||warn', 'error OR warn'],
    // quotes, braces, signs
    ["'connection refused'", '"connection refused"'],
    ["can't open 'a b'", '"can\'t" AND open AND "a b"'],
    ['{{template}}', '"{{template}}"'],
    ['{0} is bad', '"{0}" AND is AND bad'],
    ['#1234', '"#1234"'],
    // ranges and wildcards
    ['status:500..599', 'status:>=500 AND status:<=599'],
    ['took:0.5..1.5', 'took:>=0.5 AND took:<=1.5'],
    ['status:40?', 'status:40?'],
    ['really?', '"really?"'],
    // KQL
    ['user: ann and not status: 500', '(user:ann OR "user: ann") AND NOT (status:500 OR "status: 500")'],
    ['level: error or user: bob', 'level:error OR "level: error" OR user:bob OR "user: bob"'],
    ['level > warn', 'level:error OR level:critical OR level:fatal'],
    // JSON
    ['{"level":"error","msg":"boom \\"x\\"","n":5}', 'level:error AND "boom \\"x\\"" AND n:5'],
    ['{"a":{"b":true,"c":null},"list":[1]}', 'a_b:true'],
    ['{"ts":"2026-05-01","user":"ann lee"}', 'user:"ann lee"'],
    ['{"level":"err', '"{\\"level\\":\\"err"'],
    ['{"list":[1,2]}', '"{\\"list\\":[1,2]}"'],
  ])('%s', (text, wanted) => {
    expect(reading(text)).toBe(wanted);
  }); // biome-ignore format: one text, one line

  it.each([
    ['error|warn', 'write error OR warn'],
    ['call last):', 'no parenthesis was opened'],
    ['rm -rf /tmp', '-rf leaves out records with "rf"'],
    ['{"a":1}', 'its fields are looked for'],
    ['{"a":1', 'is searched as text'],
    ['java.io.IOException: closed', 'is searched as a field and as text'],
  ])('%s is answered with a note', (text, note) => {
    expect(notes(text).join('\n')).toContain(note);
  });

  it('gives no notes where nothing is in doubt', () => {
    for (const text of ['error timeout', '(a b) c', 'f(x)', 'status:(500 OR 502)', '-debug', 'level:error | json'])
      expect(notes(text), text).toEqual([]);
  });

  it('keeps pipes that begin stages', () => {
    for (const text of ['error|json', 'error |= "x"', 'error|="x"', 'error| json', 'error|status>=500'])
      expect(understand(text).query, text).toMatchObject({ kind: 'logs', stages: [{}, {}] });
    expect(understand('error|json|status>=500').query).toMatchObject({ stages: [{}, { kind: 'json' }, {}] });
  });
});
