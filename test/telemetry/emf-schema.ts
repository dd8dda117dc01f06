/**
 * The rules of the Embedded Metric Format, as AWS documents them:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
import { z } from 'zod'

const UNITS = [
  ...['Seconds', 'Microseconds', 'Milliseconds', 'Bytes', 'Kilobytes', 'Megabytes', 'Gigabytes', 'Terabytes'],
  ...['Bits', 'Kilobits', 'Megabits', 'Gigabits', 'Terabits', 'Percent', 'Count'],
  ...['Bytes/Second', 'Kilobytes/Second', 'Megabytes/Second', 'Gigabytes/Second', 'Terabytes/Second', 'Bits/Second'],
  ...['Kilobits/Second', 'Megabits/Second', 'Gigabits/Second', 'Terabits/Second', 'Count/Second', 'None'],
]

const definition = z.strictObject({
  Name: z.string().min(1).max(1024),
  Unit: z.enum(UNITS).optional(),
  StorageResolution: z.union([z.literal(1), z.literal(60)]).optional(),
})

const directive = z.strictObject({
  Namespace: z.string().min(1).max(1024),
  Dimensions: z.array(z.array(z.string().min(1).max(250)).max(30)).min(1),
  Metrics: z.array(definition).max(100),
})

const metadata = z.strictObject({
  Timestamp: z.int().nonnegative(),
  CloudWatchMetrics: z.array(directive),
})

const root = z.looseObject({ _aws: metadata })

/** CloudWatch Logs takes no longer event, in bytes. */
const LONGEST = 256 * 1024

export type EmfDocument = z.infer<typeof root>

/** @throws Error that names what is wrong in a line */
export function readEmf(line: string): EmfDocument {
  if (Buffer.byteLength(line) > LONGEST) throw new Error('The line is too long.')
  const document = root.parse(JSON.parse(line))
  for (const { Dimensions, Metrics } of document._aws.CloudWatchMetrics) {
    for (const { Name } of Metrics) requireValues(Name, document[Name])
    for (const name of Dimensions.flat()) {
      const value = document[name]
      if (typeof value !== 'string' || value === '' || value.length > 1024)
        throw new Error(`Dimension ${name}: ${value}`)
    }
  }
  return document
}

/** A target is a number, or an array of 1 to 100 numbers, none of them outside of what CloudWatch keeps. */
function requireValues(name: string, value: unknown): void {
  const values: unknown[] = Array.isArray(value) ? value : [value]
  const fits = values.every((each) => typeof each === 'number' && Number.isFinite(each) && Math.abs(each) < 2 ** 360)
  if (values.length < 1 || values.length > 100 || !fits) throw new Error(`Values of ${name}: ${JSON.stringify(value)}`)
}
