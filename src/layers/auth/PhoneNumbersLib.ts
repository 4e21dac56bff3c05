/** {@link PhoneNumbers} on libphonenumber. */
import { Effect, Layer } from "effect"
import { isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js/max"
import { type Phone, PhoneNumbers } from "../../domain/accounts/User.ts"
import { failure } from "../../domain/shared/Failure.ts"
import { Settings } from "../settings/Settings.ts"

/** Accepts E.164 and, where a region is configured, that region's national numbers. */
export const layer = Layer.effect(
  PhoneNumbers,
  Effect.map(Settings, ({ phoneRegion }) => {
    const region = phoneRegion !== undefined && isSupportedCountry(phoneRegion) ? phoneRegion : undefined
    return PhoneNumbers.of({
      parse: (input) => {
        const parsed = parsePhoneNumberFromString(
          input,
          region === undefined ? { extract: false } : { defaultCountry: region, extract: false }
        )
        return parsed?.isValid() === true
          ? Effect.succeed(parsed.number as string as Phone)
          : Effect.fail(failure("BadPhone"))
      }
    })
  })
)
