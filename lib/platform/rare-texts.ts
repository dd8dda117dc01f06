/** Sentences about settings that few processes have. A bundle reads them when one is needed. */

const TEXTS = {
  noKeys:
    'MCP_SECRET is not set, so each instance seals with a random key of its own: a stateless client whose call asks ' +
    'something must come back to the same instance. Set the same key everywhere: openssl rand -base64 32',
  everyPage:
    'ALLOWED_ORIGINS is * and nobody is asked for a token: every web page that is open on this machine can use every tool.',
  pageRefused:
    'PAGE is 1, and neither ALLOWED_HOSTS nor ALLOWED_ORIGINS is set: the page opens, and its requests are refused as those of ' +
    'every web page. Set ALLOWED_HOSTS to the host name of this address.',
  anyCertificate:
    'REDIS_TLS_INSECURE is 1: whoever is between this process and Redis can read and change everything. Set REDIS_TLS_CA to ' +
    'the authority of Redis in its place, where its service names one.',
  replay:
    'REPLAY runs every durable handler several times, for development: take it out of the environment of a deployment, or set ' +
    'NODE_ENV to development.',
  nothingToSealWith: 'MCP_UNSEALED is set, and MCP_SECRET is not: there is nothing to seal with.',
  shutdownTooShort:
    'SHUTDOWN_SECONDS must be at least %: LAME_DUCK_SECONDS, DRAIN_SECONDS and a second have to fit in.',
  mayBeRate: 'requests a second, such as 50 or 50/200 (and 200 at once, otherwise five times as many), or off',
  mayBeKeys: 'base64 of 32 bytes or more (openssl rand -base64 32), several with commas',
  rebinding:
    'ALLOWED_HOSTS is * on a loopback address without authorization: any web page could call this machine (DNS rebinding). ' +
    'List the names, or set AUTH_ISSUER.',
}

export function rareText(about: keyof typeof TEXTS): string {
  return TEXTS[about]
}
