/** The files under infra/ for containers have the values that the endpoint needs, and agree with each other. */
import { readdirSync, readFileSync } from 'node:fs'
import { validate } from 'dockerfile-utils'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseEnvironment } from '../../lib/platform/environment.ts'
import { VARIABLES } from '../../tools/settings.ts'
import { environmentOf, readUnit } from '../support/unit.ts'

type Env = Record<string, string | undefined>
const envOf = (list: { name: string; value?: string }[]): Env =>
  Object.fromEntries(list.map(({ name, value }) => [name, value]))

const infra = (name: string) => readFileSync(new URL(`../../infra/${name}`, import.meta.url), 'utf8')

describe('Dockerfile', () => {
  const text = infra('Dockerfile')

  test('is valid', () => {
    expect(validate(text)).toEqual([])
  })

  test('has no packages in the image, runs as an unprivileged user, and has a healthcheck', () => {
    const last = text.slice(text.lastIndexOf('FROM '))
    expect(last).not.toMatch(/npm|node_modules/)
    expect(last).toMatch(/^USER node$/m)
    expect(last).toMatch(/^HEALTHCHECK /m)
    expect(last).toMatch(/^CMD \["node",/m)
    for (const [, image] of text.matchAll(/^FROM (\S+)/gm)) expect(image).toBe('node:24-bookworm-slim')
  })
})

describe('compose.yaml', () => {
  const compose = parse(infra('compose.yaml'), { merge: true })

  test('has the three equal instances of nginx.conf', () => {
    const { nginx, redis, ...instances } = compose.services
    expect(Object.values(instances)).toHaveLength(3)
    for (const instance of Object.values(instances)) expect(instance).toEqual(instances['mcp-1'])
    const named = [...infra('nginx.conf').matchAll(/^ *server (mcp-\d):8080 /gm)].map(([, name]) => name)
    expect(named).toEqual(Object.keys(instances))
    expect(nginx.volumes).toEqual(['./nginx.conf:/etc/nginx/conf.d/default.conf:ro'])
    expect(nginx.ports).toEqual([`${/listen (\d+);/.exec(infra('nginx.conf'))?.[1]}:8000`])
    expect(redis.command).toContain('noeviction')
  })

  test('starts nothing before AUTH_ISSUER is decided, and takes its settings from one file', () => {
    const { environment } = compose['x-instance']
    // Unset stops compose; empty is a decision.
    expect(environment.AUTH_ISSUER).toMatch(/^\$\{AUTH_ISSUER\?[^}]*AUTH_ISSUER=/)
    for (const name of ['AUTH_AUDIENCE', 'ALLOWED_HOSTS', 'ALLOWED_ORIGINS']) {
      expect(environment[name]).toMatch(new RegExp(`^\\$\\{${name}:?-`))
    }
    expect(infra('compose.yaml')).toContain('> infra/.env')
  })

  test('is healthy when /readyz says so, and nginx waits for it', () => {
    expect(compose['x-instance'].healthcheck.test.join(' ')).toContain('http://127.0.0.1:8080/readyz')
    for (const name of ['mcp-1', 'mcp-2', 'mcp-3']) {
      expect(compose.services.nginx.depends_on[name]).toEqual({ condition: 'service_healthy' })
    }
  })

  test('gives its instances nothing to write to and no rights, and nginx follows them', () => {
    expect(compose['x-instance']).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
    // `resolve` without a subscription.
    const [major = 0, minor = 0] = (/:(\d+)\.(\d+)-/.exec(compose.services.nginx.image) ?? []).slice(1).map(Number)
    expect(major * 1_000 + minor).toBeGreaterThanOrEqual(1_028)
  })

  test('has no secret', () => {
    expect(compose['x-instance'].environment.MCP_SECRET).toMatch(/^\$\{MCP_SECRET:\?/)
  })
})

describe('kubernetes/base', () => {
  const read = (name: string) => parse(infra(`kubernetes/base/${name}.yaml`))
  const [deployment, service, budget] = ['deployment', 'service', 'disruption-budget'].map(read)
  const pod = deployment.spec.template
  const [container] = pod.spec.containers

  test('has a Deployment of several instances, a Service and a budget that all mean the same pods', () => {
    expect([deployment.kind, service.kind, budget.kind]).toEqual(['Deployment', 'Service', 'PodDisruptionBudget'])
    const { labels } = pod.metadata
    for (const selector of [
      deployment.spec.selector.matchLabels,
      service.spec.selector,
      budget.spec.selector.matchLabels,
    ]) {
      expect(selector).toEqual(labels)
    }
    expect(deployment.spec.replicas).toBeGreaterThan(1)
    expect(deployment.spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 })
    expect(service.spec.sessionAffinity).toBe('None')
    expect(service.spec.ports[0].targetPort).toBe(container.ports[0].name)
  })

  test('sends requests where /readyz is 200, and restarts where /healthz is not', () => {
    const port = container.ports[0].name
    expect(container.startupProbe.httpGet).toEqual({ path: '/healthz', port })
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port })
    expect(container.livenessProbe.httpGet).toEqual({ path: '/healthz', port })
    // The lame duck is longer than a probe needs to see it, and so is the time before it.
    const { periodSeconds, failureThreshold } = container.readinessProbe
    expect(periodSeconds * failureThreshold).toBeLessThan(Number(envOf(container.env).LAME_DUCK_SECONDS))
    expect(periodSeconds * failureThreshold).toBeLessThan(container.lifecycle.preStop.sleep.seconds)
  })

  test('has no secret, sets only variables that the endpoint reads, and lets nobody in before an issuer is named', () => {
    expect(container.envFrom).toEqual([{ secretRef: { name: 'mcp-anywhere' } }])
    for (const { name } of container.env) expect(VARIABLES).toContain(name)
    const { auth } = parseEnvironment({ ...envOf(container.env), HOST: '0.0.0.0' }).endpoint
    expect(auth).toMatchObject({ issuer: ['https://auth.example.com'] })
  })

  test('has all files of its folder, and the overlays change no others', () => {
    const files = readdirSync(new URL('../../infra/kubernetes/base', import.meta.url))
    expect(['kustomization.yaml', ...read('kustomization').resources].sort()).toEqual(files.sort())
    for (const overlay of readdirSync(new URL('../../infra/kubernetes/overlays', import.meta.url))) {
      const { resources } = parse(infra(`kubernetes/overlays/${overlay}/kustomization.yaml`))
      expect(resources[0]).toBe('../../base')
    }
  })
})

describe('the load balancers', () => {
  test('nginx follows names, asks for them again in seconds, and passes over an instance for less than a roll-out takes', () => {
    const text = infra('nginx.conf')
    expect(text).toMatch(/^resolver 127\.0\.0\.11 valid=2s/m)
    expect(text).toMatch(/^ {4}zone endpoint /m)
    for (const [line] of text.matchAll(/^ *server mcp-.*$/gm)) expect(line).toMatch(/ resolve fail_timeout=2s;$/)
  })

  test('HAProxy and Caddy ask /readyz at least as often as the lame duck of compose.yaml needs', () => {
    const { environment } = parse(infra('compose.yaml'), { merge: true })['x-instance']
    const seconds = Number(environment.LAME_DUCK_SECONDS)
    expect(infra('haproxy.cfg')).toMatch(/option httpchk GET \/readyz\n/)
    expect(Number(/inter (\d)s fall 1 /.exec(infra('haproxy.cfg'))?.[1])).toBeLessThan(seconds)
    expect(infra('Caddyfile')).toMatch(/health_uri \/readyz\n/)
    expect(Number(/health_interval (\d)s/.exec(infra('Caddyfile'))?.[1])).toBeLessThan(seconds)
  })
})

describe('systemd', () => {
  const settings = readUnit('8081')

  test('the unit sets only variables that the endpoint reads, and has no secret', () => {
    const environment = environmentOf(settings)
    for (const name of Object.keys(environment)) if (name !== 'NODE_ENV') expect(VARIABLES).toContain(name)
    expect(environment).toMatchObject({ PORT: '8081', HOST: '127.0.0.1' })
    expect(settings.get('EnvironmentFile')).toEqual(['/etc/mcp-anywhere/env'])
  })

  test('the process has a user of its own, may write nothing, and is started again', () => {
    for (const name of ['DynamicUser', 'NoNewPrivileges', 'PrivateTmp']) expect(settings.get(name)).toEqual(['yes'])
    expect(settings.get('ProtectSystem')).toEqual(['strict'])
    expect(settings.get('CapabilityBoundingSet')).toEqual([''])
    expect(settings.get('Restart')).toEqual(['always'])
  })
})

/** Every file that runs processes: their variables, and the seconds from SIGTERM to SIGKILL. */
const GRACES: Record<string, () => { env: Env; grace: number }[]> = {
  'cloudrun/service.yaml': () => {
    const [container] = parse(infra('cloudrun/service.yaml')).spec.template.spec.containers
    // Cloud Run has no setting for it: https://cloud.google.com/run/docs/container-contract
    return [{ env: envOf(container.env), grace: 10 }]
  },
  'kubernetes/base/deployment.yaml': () => {
    const { spec } = parse(infra('kubernetes/base/deployment.yaml')).spec.template
    const [{ env, lifecycle }] = spec.containers
    // The grace begins with preStop, after which SIGTERM comes.
    return [{ env: envOf(env), grace: spec.terminationGracePeriodSeconds - lifecycle.preStop.sleep.seconds }]
  },
  'systemd/mcp-anywhere@.service': () => {
    const settings = readUnit('8081')
    return [{ env: environmentOf(settings), grace: Number.parseFloat(settings.get('TimeoutStopSec')?.[0] ?? '') }]
  },
  'compose.yaml': () => {
    const { services } = parse(infra('compose.yaml'), { merge: true })
    const own = Object.values<{ environment?: Env; stop_grace_period?: string }>(services).filter(
      ({ environment }) => environment?.MCP_SECRET,
    )
    return own.map(({ environment = {}, stop_grace_period = '10s' }) => ({
      env: environment,
      grace: Number.parseFloat(stop_grace_period),
    }))
  },
  // Docker kills after ten seconds, unless it is told otherwise.
  Dockerfile: () => [{ env: {}, grace: 10 }],
}

/** Files that run no process of the endpoint that gets SIGTERM. */
const OTHERS = ['Dockerfile.dockerignore', 'nginx.conf', 'haproxy.cfg', 'Caddyfile', 'observability', 'aws']

test('in every file, the lame duck, the drain and a second end before the platform kills the process', () => {
  const names = readdirSync(new URL('../../infra', import.meta.url)).filter((name) => !OTHERS.includes(name))
  expect(
    Object.keys(GRACES)
      .map((name) => name.split('/')[0])
      .sort(),
  ).toEqual(names.sort())
  for (const [name, read] of Object.entries(GRACES)) {
    const found = read()
    expect(found.length, name).toBeGreaterThan(0)
    for (const { env, grace } of found) {
      const given = Object.fromEntries(Object.entries(env).filter(([key]) => /^(LAME_DUCK|DRAIN|SHUTDOWN)_/.test(key)))
      const { lameDuck, shutdown, endpoint } = parseEnvironment(given)
      const sum = lameDuck + (endpoint.session?.drainTimeout ?? 0)
      expect(sum + 1_000, name).toBeLessThan(grace * 1_000)
      expect(sum + 1_000, name).toBeLessThanOrEqual(shutdown)
      expect(shutdown, name).toBeLessThan(grace * 1_000)
    }
  }
  const seconds = Object.fromEntries(
    Object.entries(GRACES).map(([name, read]) => [name, read()[0]?.env.LAME_DUCK_SECONDS]),
  )
  expect(seconds).toMatchObject({
    'kubernetes/base/deployment.yaml': '5',
    'compose.yaml': '3',
    'systemd/mcp-anywhere@.service': '3',
  })
})

test('no file configures sticky sessions', () => {
  for (const name of ['nginx.conf', 'haproxy.cfg', 'Caddyfile', 'compose.yaml', 'kubernetes/base/service.yaml']) {
    const settings = infra(name).replace(/#.*/g, '')
    expect(settings).not.toMatch(
      /sticky|ip_hash|hash \$|affinity: ClientIP|^\s*cookie|stick-table|lb_policy (cookie|ip_hash)/im,
    )
  }
})
