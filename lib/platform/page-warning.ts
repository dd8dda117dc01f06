/** The warning for a page whose requests the endpoint would refuse. */
export function pageWithoutOrigin(): string {
  return (
    'PAGE is 1, and neither ALLOWED_HOSTS nor ALLOWED_ORIGINS is set: the page opens, and its requests are refused as those of ' +
    'every web page. Set ALLOWED_HOSTS to the host name of this address.'
  )
}
