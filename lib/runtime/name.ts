/** The two parts of a name of a connection or run: `<instance>:<token>`. */

export function instanceOf(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf(':')))
}

export function tokenOf(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
