/** The texts that the demo sends: everything that a careless server cuts, folds, escapes twice or counts wrongly. */

/** The longest content that the server takes, in bytes of UTF-8 (protocol.md section 1.6). */
export const contentBytesMax = 16 * 1024

/** Unit by unit up to exactly {@link contentBytesMax}, the rest in dots. */
const filled = (head: string, unit: string): string => {
  const room = contentBytesMax - Buffer.byteLength(head)
  const times = Math.floor(room / Buffer.byteLength(unit))
  return head + unit.repeat(times) + ".".repeat(room - times * Buffer.byteLength(unit))
}

/** U+0000 to U+001F, which JSON must escape, and U+007F to U+009F, which it need not. */
const controls = Array.from({ length: 65 }, (_, index) => String.fromCharCode(index < 32 ? index : index + 95)).join("")

const kinds: ReadonlyArray<(head: string) => string> = [
  (head) => `${head}hello, are you there?`,
  (head) => `${head}👩‍👩‍👧‍👦 👨🏽‍💻 🏳️‍🌈 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇫🇷 ❤️‍🔥 👍🏿`,
  (head) => `${head}春眠不覺曉,處處聞啼鳥。 いろはにほへと 다람쥐 헌 쳇바퀴에 𠮷野家`,
  (head) => filled(head, "all work and no play makes a dull server. "),
  (head) => `${head}שלום עולם \u200fمرحبا بالعالم\u200e \u2067نص\u2069 (RTL)`,
  (head) => `${head}first line\nsecond line\r\n\ttabbed "quoted" 'single' \\ back\\slash \\u0041 \\n </script> %s %00`,
  (head) => `${head}${controls}\u2028\u2029\ufeff end`,
  (head) => filled(head, "漢字"),
  (head) => `${head}'); DROP TABLE messages; -- \${jndi:ldap://localhost} {"id":"m-001","frameType":2}`,
  (head) => `${head}e\u0301 is not \u00e9, Z\u0351\u036b\u0343a\u0321\u0353l\u0348\u0332go, \ud83d\ude00\ufe0e`,
  (head) => `  ${head}spaces before and after are part of it   `,
  (head) => filled(head, "👩‍👩‍👧‍👦"),
  (head) => `${head}ok`
]

/** So many contents, no two alike: each begins with `name` and its number. */
export const contentsOf = (name: string, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => {
    const kind = kinds[index % kinds.length]
    const head = `${name} ${index + 1}: `
    return kind === undefined ? head : kind(head)
  })
