/** Takes each guard of the engine of durable calls out of a copy of the source: the test that covers it must fail. docs/model has the table. */
import { type Protection, withoutEach } from '../../support/without.ts'

const LEG = 'lib/session/call/durable/leg.ts'
const SUSPENSION = 'lib/session/call/durable/suspension.ts'
const RUN = 'lib/session/call/durable-run.ts'
const CHANNEL = 'lib/session/call/channel.ts'
const WAKE = 'lib/session/wake.ts'
const POLL = 'lib/session/poll.ts'

const GUARDS = 'test/session/durable/guards.test.ts'
const WHICH = 'test/session/durable/which.test.ts'
const WAKING = 'test/session/durable/waking.test.ts'
const POLLS = 'test/session/durable/polls.test.ts'
const ONCE = 'test/session/durable/once.test.ts'
const HANDED_OVER = 'test/session/durable/handed-over.test.ts'

const guards: Protection[] = [
  {
    name: 'a tool that is only idempotent is not suspended',
    file: 'lib/session/call/suspendable.ts',
    without: [[" && parts.host.durability(parts.request) === 'durable'", '']],
    failing: ONCE,
  },
  {
    name: 'clients that do not poll keep the runs of their calls',
    file: 'lib/session/call/suspendable.ts',
    without: [[' && mayPause(parts)', '']],
    failing: WHICH,
  },
  {
    name: 'nothing is suspended while something is under way',
    file: SUSPENSION,
    without: [
      ['await this.#leg.whenIdle()', ''],
      ['if (this.#leg.isBusy) continue', ''],
    ],
    failing: WHICH,
  },
  {
    name: 'nothing is suspended where something has begun meanwhile',
    file: SUSPENSION,
    without: [['if (this.#leg.isBusy) continue', '']],
    failing: WHICH,
  },
  {
    name: 'everything that was sent is in the log before a suspension',
    file: RUN,
    without: [['do await stream.settled()\n    while (stream.outbox?.busy)', '']],
    failing: WHICH,
  },
  {
    name: 'writes to the session hold a suspension up',
    file: CHANNEL,
    without: [
      [
        'return leg.during(async () => member.apply(target, args) as unknown)',
        'return leg && member.apply(target, args)',
      ],
    ],
    failing: WHICH,
  },
  {
    name: 'an answer that came before a suspension is given to the run',
    file: SUSPENSION,
    without: [['for (const [id, value] of reply.answers) run.receiveAnswer(id, value)', ';']],
    failing: WAKING,
  },
  {
    name: 'nothing begins while the store is asked to suspend a call',
    file: SUSPENSION,
    without: [['this.#leg.close()', '']],
    failing: WAKING,
  },
  {
    name: 'nothing begins after a call was suspended',
    file: LEG,
    without: [['if (!this.#run.over) return\n    throw', 'if (this.#run) return\n    throw']],
    failing: WAKING,
  },
  {
    name: 'a heartbeat does not end a run whose suspension is being asked for',
    file: 'lib/session/call/heartbeat.ts',
    without: [["if (call.state.at === 'suspending') return", '']],
    failing: WAKING,
  },
  {
    name: 'an instance that shuts down claims nothing with an answer',
    file: 'lib/session/from-client.ts',
    without: [[' && !instance.draining', '']],
    failing: WAKING,
  },
  {
    name: 'an instance that has begun to shut down gives back what it has claimed',
    file: WAKE,
    without: [['if (!allowed || instance.draining)', 'if (!allowed)']],
    failing: WAKING,
  },
  {
    name: 'a claim whose reply was lost is given back',
    file: WAKE,
    without: [["if ('taken' in late && late.taken) giveBack", 'if (mail === undefined) giveBack']],
    failing: WAKING,
  },
  {
    name: 'a claim whose run cannot begin is given back',
    file: WAKE,
    without: [['} catch (error) {\n    giveBack(instance, session.key, stream, mail)\n', '} catch (error) {\n']],
    failing: WAKING,
  },
  {
    name: 'polls come seldom where a call has waited long',
    file: POLL,
    without: [['Math.min(Math.max(since / 4, SOONEST), LATEST)', 'SOONEST']],
    failing: POLLS,
  },
  {
    name: 'polls have bounds',
    file: POLL,
    without: [['Math.min(Math.max(since / 4, SOONEST), LATEST)', 'since / 4']],
    failing: POLLS,
  },
  {
    name: 'polls carry progress',
    file: POLL,
    without: [['if (progress !== undefined) response.aside(progress)', '']],
    failing: POLLS,
  },
  {
    name: 'a poll of a suspended call attends to nothing',
    file: 'lib/session/resume.ts',
    without: [['if (polled) return polled', '']],
    failing: POLLS,
  },
  {
    name: 'a once begins only while the sign of life is held',
    file: LEG,
    without: [['if (!instance.presence.isHeld) await this.#patiently(() => instance.presence.renew())', '']],
    failing: GUARDS,
  },
  {
    name: 'a run whose instance had a lapse takes its call from itself',
    file: LEG,
    without: [['if (instance.presence.lapses !== this.#run.lapses) await this.#run.retake()', '']],
    failing: GUARDS,
  },
  {
    name: 'messages are numbered before the level is applied',
    file: CHANNEL,
    without: [['if (!isWanted) this.#number()', '']],
    failing: GUARDS,
  },
  {
    name: 'a shutdown lets a once end',
    file: 'lib/session/call/abandon.ts',
    without: [['if (channel.leg) await channel.leg.quiet(host.instance.options.drainTimeout)', '']],
    failing: HANDED_OVER,
  },
  {
    name: 'a call gets its journal with its first once',
    file: 'lib/session/call/host.ts',
    without: [["return carrier.streams && host.durability(request) !== 'none'", 'return carrier === undefined']],
    failing: ONCE,
  },
  {
    name: 'what was sent before that is in the log first',
    file: RUN,
    without: [['if (!hasJournal(this.#parts.parts) && stream.outbox?.busy) await stream.settled()', '']],
    failing: ONCE,
  },
]

withoutEach(guards)
