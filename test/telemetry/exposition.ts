/** The text that Prometheus reads, as metrics with their samples. */

interface Sample {
  labels: Record<string, string>
  value: number
}

export class Exposition {
  /** By name: those of a histogram are `…_bucket`, `…_sum` and `…_count`. */
  readonly samples = new Map<string, Sample[]>()
  /** Names of metrics with their type. */
  readonly types = new Map<string, string>()

  /** @throws Error for a line that Prometheus could not read */
  constructor(text: string) {
    for (const line of text.split('\n')) {
      const [, typed = '', type = ''] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line) ?? []
      if (typed !== '') {
        if (this.types.has(typed)) throw new Error(`${typed} is there twice.`)
        this.types.set(typed, type)
      }
      if (line === '' || line.startsWith('#')) continue
      const [, name = '', given = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      if (name === '') throw new Error(`No sample: ${line}`)
      const labels: Record<string, string> = {}
      for (const [, label = '', text = ''] of given.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/g))
        labels[label] = text
      const samples = this.samples.get(name) ?? []
      samples.push({ labels, value: Number(value.replace('Inf', 'Infinity')) })
      this.samples.set(name, samples)
    }
  }

  /** The sum of the samples that have these labels. Undefined: there are none. */
  value(name: string, labels: Record<string, string> = {}): number | undefined {
    const found = (this.samples.get(name) ?? []).filter((sample) =>
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    )
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
  }

  /** The values of a label. */
  values(name: string, label: string): Set<string> {
    return new Set((this.samples.get(name) ?? []).map(({ labels }) => labels[label] ?? ''))
  }

  labelsOf(name: string): Set<string> {
    return new Set((this.samples.get(name) ?? []).flatMap(({ labels }) => Object.keys(labels)))
  }
}

export async function scrape(url: URL | string, headers: Record<string, string> = {}): Promise<Exposition> {
  const response = await fetch(url, { headers })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  return new Exposition(await response.text())
}
