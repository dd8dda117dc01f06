/**
 * The parameters of a stage that belong to AWS: what is wrong with them, and which front they ask for. serverless.yml reads
 * `front` and `edge`, release.cjs refuses what is wrong, and so does `npm run deploy` before it builds anything.
 */
'use strict'

const FRONTS = ['url', 'rest', 'http']
const CACHES = ['nodes', 'serverless']
const USERS = ['a', 'b']
/** How much of the traffic a new version gets at first; names of AWS CodeDeploy without `LambdaCanary` and `LambdaLinear`. */
const CANARIES = [
  'off',
  'Canary10Percent5Minutes',
  'Canary10Percent10Minutes',
  'Canary10Percent15Minutes',
  'Canary10Percent30Minutes',
  'Linear10PercentEvery1Minute',
  'Linear10PercentEvery2Minutes',
  'Linear10PercentEvery3Minutes',
  'Linear10PercentEvery10Minutes',
]

const oneOf = (values) => ({ fits: (value) => values.includes(value), right: `one of ${values.join(', ')}` })
const whole = (from, to) => ({
  fits: (value) => Number.isInteger(value) && value >= from && value <= to,
  right: `a whole number from ${from} to ${to}`,
})
const like = (pattern, right) => ({ fits: (value) => typeof value === 'string' && pattern.test(value), right })
const boolean = { fits: (value) => typeof value === 'boolean', right: 'true or false' }

/** What each parameter may be. A parameter that is missing here is checked as a setting of the endpoint. */
const RULES = {
  open: boolean,
  front: oneOf(FRONTS),
  memory: whole(128, 10_240),
  timeout: whole(10, 900),
  domain: like(
    /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/,
    'a host name in lower case, such as mcp.example.com',
  ),
  certificate: like(
    /^arn:aws[\w-]*:acm:us-east-1:\d{12}:certificate\/[\w-]+$/,
    'the ARN of a certificate of ACM in us-east-1, where CloudFront reads it',
  ),
  headerFunction: like(
    /^arn:aws[\w-]*:lambda:us-east-1:\d{12}:function:[\w-]+:\d+$/,
    'the ARN of a version of a function in us-east-1, which ends in its number',
  ),
  concurrency: whole(1, 100_000),
  throttleRate: whole(1, 1_000_000),
  throttleBurst: whole(1, 1_000_000),
  canary: oneOf(CANARIES),
  tracing: boolean,
  tasks: boolean,
  ipv4: boolean,
  alarmEmail: like(/^[^@\s]+@[^@\s]+\.[^@\s]+$/, 'an address of mail'),
  budget: whole(1, 10_000_000),
  secrets: { fits: (value) => /^[\w.:-]{1,64}$/.test(String(value)), right: 'a number or a date' },
  cache: oneOf(CACHES),
  cacheNode: like(/^cache\.[a-z0-9]+\.[a-z0-9]+$/, 'a type of node, such as cache.t4g.small'),
  cacheNodes: whole(1, 6),
  cacheGigabytes: whole(1, 5_000),
  cacheUser: oneOf(USERS),
  snapshots: whole(0, 35),
  snapshotTime: like(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day in UTC, such as 03:00'),
  maintenance: like(
    /^(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d-(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d$/,
    'a window in UTC of an hour or more, such as sun:03:00-sun:04:00',
  ),
}

const given = (value) => value !== undefined && value !== null && value !== ''

/** The front of the stage: the one that it names, else `rest` where it has a domain, else `url`. */
const frontOf = ({ front, domain }) => (given(front) ? front : given(domain) ? 'rest' : 'url')

/** One line that says what is wrong and what would be right; undefined where nothing is. */
function problemOf(params) {
  for (const [name, { fits, right }] of Object.entries(RULES)) {
    if (given(params[name]) && !fits(params[name])) return `${name} must be ${right}.`
  }
  const front = frontOf(params)
  const has = (name) => given(params[name])
  if (has('domain') && front !== 'rest') {
    return `domain needs front: rest, whose API is behind CloudFront then. Remove domain, or front: ${front}.`
  }
  if (has('domain') !== has('certificate')) {
    return `${has('domain') ? 'certificate' : 'domain'} is missing: a domain and its certificate need each other.`
  }
  if (has('headerFunction') && !has('domain')) return 'headerFunction needs domain: CloudFront runs it.'
  if ((has('throttleRate') || has('throttleBurst')) && front !== 'rest') {
    return 'throttleRate and throttleBurst need front: rest. Use concurrency with the other fronts.'
  }
  if (has('throttleRate') !== has('throttleBurst')) return 'throttleRate and throttleBurst need each other.'
  if (has('budget') && !has('alarmEmail')) return 'budget needs alarmEmail: the address that hears of it.'
  if (has('cacheNode') && params.cache === 'serverless') return 'cacheNode is for cache: nodes. Remove it.'
  return undefined
}

/** Lines of what works differently from what one may expect. */
function hintsOf(params) {
  const hints = []
  if (frontOf(params) !== 'url' && given(params.authIssuer) && !given(params.headerFunction)) {
    hints.push(
      'API Gateway renames the header WWW-Authenticate. Clients of 2025-06-18 and earlier that read nothing else do not ' +
        'find the authorization server; later ones read /.well-known/oauth-protected-resource. docs/deploy.md, "WWW-Authenticate" ' +
        'has the cure: domain and headerFunction, or front: url.',
    )
  }
  if (frontOf(params) === 'rest' && !given(params.domain)) {
    hints.push(
      'front: rest without domain has the stage in its path, so that clients do not find /.well-known. Give a domain and its certificate.',
    )
  }
  if (params.open === true && !given(params.concurrency)) {
    hints.push(
      'open: true without concurrency lets whoever calls decide how many invocations run at once, up to the quota of the account: ' +
        '1,000 of 512 MB cost about 24 USD an hour. Set concurrency, and budget with alarmEmail.',
    )
  }
  return hints
}

/** The hour from a time of day on, as ElastiCache has windows: 03:30 gives 03:30-04:30. */
function windowFrom(time) {
  const [hours, minutes] = time.split(':')
  return `${time}-${String((Number(hours) + 1) % 24).padStart(2, '0')}:${minutes}`
}

/** What serverless.yml and its parts derive from the parameters. */
function derivedFrom(params) {
  const environment = given(params.environment) ? params.environment : {}
  const prefix = given(environment.REDIS_PREFIX) ? environment.REDIS_PREFIX : 'mcp'
  return {
    front: frontOf(params),
    edge: given(params.domain) ? 'domain' : 'none',
    // A secret's new value changes nothing in the template: this text does, and so makes a version that has the value.
    description: `MCP endpoint; secrets as of ${given(params.secrets) ? params.secrets : 'the first deployment'}`,
    taskExecutor: params.tasks === true ? 'lambda' : '',
    // Read only where there is an address.
    mailTo: given(params.alarmEmail) ? params.alarmEmail : '',
    snapshotWindow: windowFrom(given(params.snapshotTime) ? params.snapshotTime : '03:00'),
    // Four fifths of what may run at once; an account may run 1,000 unless AWS has raised or lowered that.
    concurrencyAlarm: Math.ceil(0.8 * (given(params.concurrency) ? params.concurrency : 1_000)),
    // Three quarters of the limit, in bytes.
    cacheAlarm: 0.75 * (given(params.cacheGigabytes) ? params.cacheGigabytes : 5) * 1e9,
    // docs/security.md explains it. A serverless cache is a cluster, whose clients ask for its slots.
    cacheAccess: `on ~${prefix}:* -@all +@read +@write +@scripting +@connection -@dangerous +info +time +cluster|slots`,
  }
}

/** For the variables of serverless.yml. */
module.exports = async ({ resolveVariable }) => derivedFrom(await resolveVariable('self:custom.stage'))
module.exports.RULES = RULES
module.exports.frontOf = frontOf
module.exports.problemOf = problemOf
module.exports.hintsOf = hintsOf
module.exports.derivedFrom = derivedFrom
