/** Loaded into a server before its own code: requests to the public service that it needs go to `UPSTREAM`. */
const upstream = process.env.UPSTREAM
const { fetch } = globalThis

globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input)
  return url.protocol === 'https:' ? fetch(`${upstream}${url.pathname}${url.search}`, init) : fetch(input, init)
}
