/**
 * Functions that people's own SQL may call: those that compute from their arguments alone. What reads files, settings, dictionaries, other tables or the
 * machine, what waits, and what runs code is not here; a name that is not here is refused, so new functions of the engine are refused too.
 */
const scalar = `
and or not xor if multiIf ifNull nullIf coalesce isNull isNotNull isNullable assumeNotNull toNullable isNaN isFinite isInfinite
equals notEquals less greater lessOrEquals greaterOrEquals in notIn like notLike ilike notILike match multiMatchAny
plus minus multiply divide intDiv intDivOrZero modulo moduloOrZero positiveModulo negate abs sign gcd lcm greatest least
sqrt cbrt exp exp2 exp10 log log2 log10 pow power sin cos tan asin acos atan atan2 pi e round floor ceil ceiling trunc truncate roundBankers roundDuration roundToExp2
bitAnd bitOr bitXor bitNot bitShiftLeft bitShiftRight bitTest bitCount
length empty notEmpty lengthUTF8 lower upper lowerUTF8 upperUTF8 reverse reverseUTF8 concat concatWithSeparator repeat substring substringUTF8 substr mid
substringIndex left right leftPad rightPad trimLeft trimRight trimBoth trim startsWith endsWith position positionCaseInsensitive positionUTF8 locate
countSubstrings countMatches replace replaceAll replaceOne replaceRegexpAll replaceRegexpOne extract extractAll extractGroups extractAllGroups extractAllGroupsVertical
regexpExtract splitByChar splitByString splitByRegexp splitByWhitespace splitByNonAlpha alphaTokens tokens arrayStringConcat format ascii char
hasToken hasTokenCaseInsensitive hasAllTokens hasAnyTokens hasSubsequence multiSearchAny multiSearchAnyCaseInsensitive ngramDistance ngramSearch
base64Encode base64Decode tryBase64Decode hex unhex encodeURLComponent decodeURLComponent toValidUTF8 isValidUTF8 normalizeQuery
JSONExtract JSONExtractString JSONExtractInt JSONExtractUInt JSONExtractFloat JSONExtractBool JSONExtractRaw JSONExtractKeys JSONExtractArrayRaw
JSONExtractKeysAndValues JSONExtractKeysAndValuesRaw JSONHas JSONLength JSONType JSON_VALUE JSON_QUERY JSON_EXISTS isValidJSON toJSONString simpleJSONExtractString simpleJSONExtractInt
simpleJSONExtractFloat simpleJSONExtractRaw simpleJSONExtractBool simpleJSONHas extractKeyValuePairs
toString toFixedString toInt8 toInt16 toInt32 toInt64 toUInt8 toUInt16 toUInt32 toUInt64 toFloat32 toFloat64 toDate toDate32 toDateTime toDateTime64 toUUID
toInt32OrNull toInt64OrNull toUInt32OrNull toUInt64OrNull toFloat64OrNull toInt64OrZero toUInt64OrZero toFloat64OrZero toUInt8OrZero toUInt8OrNull toDateTimeOrNull toDateTime64OrNull
toDecimal32 toDecimal64 toDecimal128 toTypeName toLowCardinality CAST _CAST accurateCast accurateCastOrNull reinterpretAsUInt64 parseDateTime parseDateTimeBestEffort
parseDateTimeBestEffortOrNull parseDateTime64BestEffort parseDateTime64BestEffortOrNull formatDateTime formatReadableSize formatReadableQuantity formatReadableTimeDelta
now now64 today yesterday toYear toQuarter toMonth toDayOfMonth toDayOfWeek toDayOfYear toHour toMinute toSecond toMillisecond toISOWeek toStartOfYear toStartOfQuarter
toStartOfMonth toStartOfWeek toMonday toStartOfDay toStartOfHour toStartOfMinute toStartOfSecond toStartOfFiveMinutes toStartOfTenMinutes toStartOfFifteenMinutes
toStartOfInterval toUnixTimestamp toUnixTimestamp64Milli toUnixTimestamp64Micro toUnixTimestamp64Nano fromUnixTimestamp fromUnixTimestamp64Milli fromUnixTimestamp64Micro
fromUnixTimestamp64Nano toTimeZone timeZoneOf dateDiff date_diff dateAdd dateSub dateTrunc date_trunc age addSeconds addMinutes addHours addDays addWeeks addMonths addYears
subtractSeconds subtractMinutes subtractHours subtractDays subtractWeeks subtractMonths subtractYears timeSlot timeSlots toYYYYMM toYYYYMMDD toYYYYMMDDhhmmss
toIntervalNanosecond toIntervalMicrosecond toIntervalMillisecond toIntervalSecond toIntervalMinute toIntervalHour toIntervalDay toIntervalWeek toIntervalMonth toIntervalQuarter toIntervalYear
array arrayElement arrayElementOrNull arrayConcat arrayMap arrayFilter arrayExists arrayAll arrayCount arrayFirst arrayFirstIndex arrayLast arrayLastIndex arraySum arrayAvg arrayMin arrayMax
arraySort arrayReverseSort arrayReverse arrayDistinct arrayUniq arrayJoin arrayZip arrayEnumerate arrayEnumerateUniq arraySlice arrayPushBack arrayPushFront arrayPopBack arrayPopFront
arrayFlatten arrayCompact arrayIntersect arrayDifference arrayCumSum arrayFill arraySplit arrayReduce has hasAll hasAny indexOf range emptyArrayString emptyArrayUInt64
tuple tupleElement untuple map mapKeys mapValues mapContains mapContainsKeyLike mapExtractKeyLike mapFilter mapApply mapSort mapUpdate mapAdd mapSubtract mapFromArrays mapConcat lambda
cityHash64 sipHash64 xxHash64 xxHash32 murmurHash3_64 farmHash64 halfMD5 MD5 SHA1 SHA256 intHash32 intHash64
IPv4NumToString IPv4StringToNum IPv4StringToNumOrNull IPv6NumToString IPv6StringToNum toIPv4 toIPv4OrNull toIPv6 toIPv6OrNull isIPv4String isIPv6String isIPAddressInRange IPv4CIDRToRange
domain domainWithoutWWW topLevelDomain protocol path pathFull queryString fragment port extractURLParameter extractURLParameters cutQueryString cutURLParameter
bar transform identity materialize ignore rowNumberInAllBlocks runningDifference neighbor width_bucket grouping`;

/** Aggregate functions; their combinators below. `arrayReduce` may name any of them. */
const aggregate = `
count sum sumWithOverflow sumKahan avg avgWeighted min max any anyLast anyHeavy first_value last_value argMin argMax uniq uniqExact uniqCombined uniqCombined64 uniqHLL12 uniqTheta
quantile quantiles quantileExact quantilesExact quantileExactInclusive quantileExactExclusive quantileTiming quantilesTiming quantileTDigest quantilesTDigest quantileDeterministic quantileBFloat16
quantileInterpolatedWeighted quantileDD median medianExact medianTDigest stddevPop stddevSamp stddevPopStable stddevSampStable varPop varSamp varPopStable varSampStable covarPop covarSamp corr
topK topKWeighted groupArray groupUniqArray groupArrayMovingAvg groupArrayMovingSum groupConcat groupBitAnd groupBitOr groupBitXor histogram entropy skewPop kurtPop
sumMap minMap maxMap simpleLinearRegression deltaSum deltaSumTimestamp maxIntersections boundingRatio sequenceMatch sequenceCount windowFunnel retention sparkbar exponentialMovingAverage
row_number rank dense_rank percent_rank cume_dist ntile lag lead lagInFrame leadInFrame nth_value nonNegativeDerivative`;

const words = (text: string): string[] => text.split(/\s+/).filter(word => word !== '');
const combinators = /(?:If|Array|Map|Distinct|OrNull|OrDefault|ForEach|SimpleState|ArgMin|ArgMax)$/;

const aggregates = new Set(words(aggregate).map(name => name.toLowerCase()));
const allowed = new Set([...words(scalar).map(name => name.toLowerCase()), ...aggregates]);

/** All names, for suggestions. */
export const sqlFunctions: readonly string[] = [...words(scalar), ...words(aggregate)];

/** Whether people's SQL may call this function. Names are compared without case, as the engine does for most. */
export function sqlFunctionAllowed(name: string): boolean {
  if (allowed.has(name.toLowerCase())) return true;
  for (let base = name; combinators.test(base); ) {
    base = base.replace(combinators, '');
    if (aggregates.has(base.toLowerCase())) return true;
  }
  return false;
}
