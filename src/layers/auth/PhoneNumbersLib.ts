/** {@link PhoneNumbers} on libphonenumber. */
import { Effect, Layer } from "effect"
import { isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js/max"
import { type Phone, PhoneNumbers } from "../../domain/accounts/User.ts"
import { failure } from "../../domain/shared/Failure.ts"
import { Settings } from "../settings/Settings.ts"

/** A number as it was meant: pasted numbers have invisible marks, full-width digits, or the form of a link. */
const cleaned = (input: string): string =>
  input
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .trim()
    .replace(/^tel:/i, "")

/** Accepts E.164 and, where a region is configured, that region's national numbers. */
export const layer = Layer.effect(
  PhoneNumbers,
  Effect.map(Settings, ({ phoneRegion }) => {
    const region = phoneRegion !== undefined && isSupportedCountry(phoneRegion) ? phoneRegion : undefined
    return PhoneNumbers.of({
      parse: (input) => {
        const parsed = parsePhoneNumberFromString(
          cleaned(input),
          region === undefined ? { extract: false } : { defaultCountry: region, extract: false }
        )
        return parsed?.isValid() === true
          ? Effect.succeed(parsed.number as string as Phone)
          : Effect.fail(failure("BadPhone"))
      }
    })
  })
)
