/**
 * The formats of JSON Schema that are checked. Each check takes time proportional to the length of the text. A format
 * that is not in the table is only an annotation.
 */
import { isIPv4, isIPv6 } from './addresses.ts'
import type { Formats } from './node.ts'

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/
const TIME = /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:z|([+-])(\d\d):(\d\d))$/i
const DURATION =
  /^P(?:\d+W|(?=[\dT])(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)?(?:T(?=\d)(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))?)$/
const HOST = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i
const LOCAL = /^(?:"(?:[ !#-[\]-~]|\\[ -~])*"|[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*)$/i
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/
const RELATIVE_POINTER = /^(?:0|[1-9]\d*)(?:#|(?:\/(?:[^~/]|~[01])*)*)$/
const SCHEME = /^[a-z][a-z0-9+.-]*:/i
/** RFC 3986: an authority, a path, a query and a fragment, without a scheme. */
const AUTHORITY =
  /\/\/(?:(?:[\w.~!$&'()*+,;=:-]|%[0-9a-f]{2})*@)?(?:\[([0-9a-f:.]+|v[0-9a-f]+\.[\w.~!$&'()*+,;=:-]+)\]|(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*)(?::\d*)?(?=[/?#]|$)/
const CHARACTERS = "(?:[\\w.~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*"
const FURTHER = "(?:[\\w.~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*"
const REFERENCE = new RegExp(`^(?:${AUTHORITY.source}|(?!//))${CHARACTERS}(?:\\?${FURTHER})?(?:#${FURTHER})?$`, 'i')
/** RFC 6570. */
const NAME = '(?:\\w|%[0-9a-f]{2})(?:\\.?(?:\\w|%[0-9a-f]{2}))*(?::[1-9]\\d{0,3}|\\*)?'
const TEMPLATE = new RegExp(
  `^(?:[^\\0-\\x20\\x7f"<>%\\\\^\`{|}]|%[0-9a-f]{2}|\\{[+#./;?&=,!@|]?${NAME}(?:,${NAME})*\\})*$`,
  'i',
)

function isDate(text: string): boolean {
  const [, year, month, day] = DATE.exec(text) ?? []
  if (year === undefined) return false
  // Day 0 of the next month is the last day of this one. `Date.UTC` takes years below 100 for those of the last century.
  const last = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate()
  return Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= last
}

function isTime(text: string): boolean {
  const [, hour, minute, second, sign, zoneHour = 0, zoneMinute = 0] = TIME.exec(text) ?? []
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return false
  if (Number(zoneHour) > 23 || Number(zoneMinute) > 59) return false
  if (Number(second) < 60) return true
  // A leap second is the last one of a day in UTC.
  const zone = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === '-' ? -1 : 1)
  return (Number(hour) * 60 + Number(minute) - zone + 1440) % 1440 === 1439
}

function isDateTime(text: string): boolean {
  return /^.{10}[t ]/i.test(text) && isDate(text.slice(0, 10)) && isTime(text.slice(11))
}

function isHost(text: string): boolean {
  return text.length <= 253 && HOST.test(text)
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@')
  const [local, host] = [text.slice(0, at), text.slice(at + 1)]
  if (at < 1 || at > 64 || !LOCAL.test(local)) return false
  if (!host.startsWith('[') || !host.endsWith(']')) return isHost(host)
  const address = host.slice(1, -1)
  return isIPv4(address) || (/^ipv6:/i.test(address) && isIPv6(address.slice(5)))
}

function isReference(text: string): boolean {
  const found = REFERENCE.exec(text)
  if (found === null) return false
  const [, literal] = found
  return literal === undefined || /^v/i.test(literal) || isIPv6(literal)
}

function isUriReference(text: string): boolean {
  const [scheme] = SCHEME.exec(text) ?? []
  if (scheme !== undefined) return isReference(text.slice(scheme.length))
  // A first segment with a colon would be a scheme.
  return isReference(text) && !/^[^/?#]*:/.test(text)
}

function isUri(text: string): boolean {
  return SCHEME.test(text) && isUriReference(text)
}

function isRegex(text: string): boolean {
  try {
    return !/[^\\](?:\\\\)*\\[aZ]/.test(` ${text}`) && new RegExp(text, 'u') !== undefined
  } catch {
    return false
  }
}

export const FORMATS: Formats = new Map(
  Object.entries({
    date: isDate,
    time: isTime,
    'date-time': isDateTime,
    duration: (text) => DURATION.test(text),
    email: isEmail,
    hostname: isHost,
    ipv4: isIPv4,
    ipv6: isIPv6,
    uri: isUri,
    // 2020-12 does not have it; authors mean a URI.
    url: isUri,
    'uri-reference': isUriReference,
    'uri-template': (text) => TEMPLATE.test(text),
    uuid: (text) => UUID.test(text),
    regex: isRegex,
    'json-pointer': (text) => POINTER.test(text),
    'json-pointer-uri-fragment': (text) => text.startsWith('#') && isUriReference(text) && isPointerFragment(text),
    'relative-json-pointer': (text) => RELATIVE_POINTER.test(text),
  } satisfies Record<string, (text: string) => boolean>),
)

function isPointerFragment(text: string): boolean {
  try {
    return POINTER.test(decodeURIComponent(text.slice(1)))
  } catch {
    return false
  }
}
