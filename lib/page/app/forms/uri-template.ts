/** The variables of a URI template (RFC 6570), and the URI with their values. */

const EXPRESSION = /\{([+#./;?&]?)([^{}]+)\}/g

/** How the values of an expression are written, by its operator. */
const STYLES: Readonly<Record<string, { first: string; between: string; isNamed: boolean; isRaw: boolean }>> = {
  '': { first: '', between: ',', isNamed: false, isRaw: false },
  '+': { first: '', between: ',', isNamed: false, isRaw: true },
  '#': { first: '#', between: ',', isNamed: false, isRaw: true },
  '.': { first: '.', between: '.', isNamed: false, isRaw: false },
  '/': { first: '/', between: '/', isNamed: false, isRaw: false },
  ';': { first: ';', between: ';', isNamed: true, isRaw: false },
  '?': { first: '?', between: '&', isNamed: true, isRaw: false },
  '&': { first: '&', between: '&', isNamed: true, isRaw: false },
}

const namesIn = (list: string) => list.split(',').map((name) => name.trim().replace(/\*$|:\d+$/, ''))

export function variablesOf(template: string): string[] {
  return [...new Set([...template.matchAll(EXPRESSION)].flatMap(([, , list = '']) => namesIn(list)))]
}

/** Variables without a value are left out. */
export function expanded(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(EXPRESSION, (_all, operator: string, list: string) => {
    const style = STYLES[operator]
    if (!style) return ''
    const given = namesIn(list).flatMap((name) => {
      const value = values[name]
      if (value === undefined) return []
      const text = style.isRaw ? encodeURI(value) : encodeURIComponent(value)
      return [style.isNamed ? `${name}=${text}` : text]
    })
    return given.length === 0 ? '' : style.first + given.join(style.between)
  })
}
