/**
 * Removes each protection between instances in a copy of the source: the test that covers the protection must fail.
 * A mutation whose text is not in the source fails as well, so that the table follows the code.
 */
import { type Protection, withoutEach } from '../support/without.ts'

const APPEND = 'lib/store/redis/scripts/append.ts'
const TAKEOVER = 'lib/store/redis/scripts/takeover.ts'
const STREAMS = 'lib/store/redis/scripts/streams.ts'
const CONNECTION = 'lib/session/stream/connection.ts'
const RULE = 'test/cluster/stream-property-memory.test.ts'
const CONTRACT = 'test/store/redis.test.ts'

const protections: Protection[] = [
  {
    name: 'only the run that owns a call appends to it',
    file: APPEND,
    without: [["if call('HGET', live, 'o:' .. stream) ~= owner then return reply('lost') end", '']],
    failing: CONTRACT,
    called: '\\(the fence\\)',
  },
  {
    name: 'an append beyond the end of a log is refused',
    file: APPEND,
    without: [["if from > top + 1 then return reply('gap') end", '']],
    failing: CONTRACT,
    called: 'where it would leave a hole',
  },
  {
    name: 'an append to a cancelled call is refused',
    file: APPEND,
    without: [["if call('HEXISTS', live, 'x:' .. stream) == 1 then return reply('cancelled') end", '']],
    failing: CONTRACT,
    called: 'the next append adds nothing',
  },
  {
    name: 'an append to an ended session is refused',
    file: APPEND,
    without: [['  gone: "{ \'gone\' }",\n  reply: readAppend', '  reply: readAppend']],
    failing: CONTRACT,
    called: 'is final',
  },
  {
    name: 'a take of a stream of an ended session is refused',
    file: STREAMS,
    without: [
      [
        "  gone: \"{ 'gone' }\",\n  reply: either(['gone', 'unknown', 'trimmed', 'beyond']",
        "  reply: either(['gone', 'unknown', 'trimmed', 'beyond']",
      ],
    ],
    failing: CONTRACT,
    called: 'is final',
  },
  {
    name: 'a heartbeat of a former holder is refused',
    file: STREAMS,
    without: [["if current ~= holder then return { 'moved' } end", '']],
    failing: CONTRACT,
    called: 'another connection holds the stream',
  },
  {
    name: 'a claim replaces only the expected owner',
    file: TAKEOVER,
    without: [["if current ~= expected and current ~= owner then return { 'lost' } end", '']],
    failing: CONTRACT,
    called: 'is lost where another run was first',
  },
  {
    name: 'an instance that did not reach the store for a lease declares no other one dead',
    file: 'lib/runtime/presence.ts',
    without: [['return this.#isSure ? missing : new Set()', 'return missing']],
    failing: 'test/session/presence.test.ts',
  },
  {
    name: 'missing messages are read from the log',
    file: CONNECTION,
    without: [['|| (entry.n > this.#n + 1 && !this.isBehind))', ')']],
    failing: RULE,
  },
  {
    name: 'a heartbeat looks for messages in the store',
    file: CONNECTION,
    without: [
      [
        '  protected compare(): Promise<void> {\n    return this.#look()\n',
        '  protected async compare(): Promise<void> {\n',
      ],
    ],
    failing: RULE,
  },
  {
    name: 'a delivered message is not delivered again',
    file: CONNECTION,
    without: [['if (this.#confirmed && entry.n <= this.#n) {', 'if (this.#n < 0) {']],
    failing: RULE,
  },
  {
    name: 'event ids belong to their session',
    file: 'lib/session/stream/event-id.ts',
    without: [['check(key, stream, n, tag) !== given', "given === ''"]],
    failing: 'test/cluster/streams.test.ts',
    called: 'of another session',
  },
  {
    name: 'the streams that event ids name cannot be invented',
    file: 'lib/session/stream/event-id.ts',
    without: [['eventKey !== undefined && !servedByOlder &&', "eventKey === '' &&"]],
    failing: 'test/security/event-ids.test.ts',
    called: 'before the store is asked',
  },
  {
    name: 'a cancel looks for the call of its own session only',
    file: 'lib/session/call/pace.ts',
    without: [
      [
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the string is source text
        'return `${this.#parts.session.key}${typedId(this.#parts.request.id)}`',
        'return typedId(this.#parts.request.id)',
      ],
    ],
    also: {
      file: 'lib/session/from-client.ts',
      without: [['.unregistered.get(session.key + id)', '.unregistered.get(id)']],
    },
    failing: 'test/cluster/session-isolation.test.ts',
  },
  {
    name: 'a cancel that arrives before its call leaves a mark',
    file: 'lib/store/memory/registration.ts',
    without: [
      ['const cancelled = marked !== undefined && marked >= state.clock.now() - markAge', 'const cancelled = false'],
    ],
    failing: 'test/cluster/session-isolation.test.ts',
  },
  {
    name: 'a run that waits takes the answers of its present round only',
    file: 'lib/stateless/parking/parked-run.ts',
    without: [['!this.#leg && wait === this.#waits', '!this.#leg && wait > 0']],
    failing: 'test/sdk/parked-run.test.ts',
    called: 'answers that the run has had',
  },
  {
    name: 'a retry asks again for mail that was lost',
    file: 'lib/stateless/parking/retry.ts',
    without: [['    this.#isBehind = false\n    this.#ask()\n', '']],
    failing: 'test/sdk/parked-run.test.ts',
    called: 'mail that is lost',
  },
  {
    name: 'of several instances one gets the process of a session',
    file: STREAMS,
    without: [
      ["if current ~= expected and current ~= holder then return { 'ok', 0, current ~= '' and current } end", ''],
    ],
    failing: CONTRACT,
    called: 'replacing the holder',
  },
  {
    name: 'an instance that was not confirmed as the holder of a process asks the store',
    file: 'lib/cli/serve/isolate/place.ts',
    without: [
      ['options.lease * ASK_AFTER ? this.#confirm() : undefined', 'options.lease * ASK_AFTER ? undefined : undefined'],
    ],
    failing: 'test/cli/isolate/faults.test.ts',
    called: 'names no longer',
  },
  {
    name: 'relayed pieces that were lost are sent again',
    file: 'lib/cli/serve/isolate/relay/outgoing.ts',
    without: [['if (missing.length > 0) this.#send(this.#got + 1, missing)', 'if (missing.length < 0) return']],
    failing: 'test/cli/isolate/link.test.ts',
    called: 'messages of both directions',
  },
  {
    name: 'a resumed stream begins with a priming event',
    file: 'lib/session/stream/sse-response.ts',
    without: [['(primes ? ssePriming(this.#startId, around(retry)) : SSE_COMMENT)', 'SSE_COMMENT']],
    failing: 'test/cluster/session-isolation.test.ts',
  },
]

withoutEach(protections)
