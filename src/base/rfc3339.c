// SPDX-License-Identifier: Apache-2.0
#include "base/rfc3339.h"

#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>

/* The civil calendar counted in eras of 400 years that begin on 1 March, so that the leap day is
 * the last of its year. */
int64_t rfc3339_days(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year =
        (int64_t)(153 * (month + (month > 2 ? (unsigned)-3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (unsigned)((5 * day_of_year + 2) / 153);

    *ret_day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *ret_month = shifted < 10 ? shifted + 3 : shifted - 9;
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

/* Exactly `count` digits at `p`; -1 where one is none. */
static int digits(const char *p, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        unsigned digit = (unsigned char)p[i] - (unsigned)'0';
        if (digit > 9)
            return -1;
        value = value * 10 + (int)digit;
    }
    return value;
}

static bool date_valid(int year, int month, int day)
{
    static const char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= lengths[month - 1] + (month == 2 && leap);
}

/* The fraction at *at, if one is there; *at moves behind it. -1 where it is malformed. */
static int64_t fraction_ns(struct span text, size_t *at)
{
    if (*at >= text.size || text.data[*at] != '.')
        return 0;
    int64_t ns = 0;
    int count = 0;
    for (++*at; *at < text.size; ++*at, count++) {
        unsigned digit = (unsigned char)text.data[*at] - (unsigned)'0';
        if (digit > 9)
            break;
        if (count < 9)
            ns = ns * 10 + digit;
    }
    if (count == 0)
        return -1;
    for (; count < 9; count++)
        ns *= 10;
    return ns;
}

/* "Z", "z" or "+hh:mm" to the end of text, in seconds east of UTC. */
static int zone_offset(struct span zone, int *ret_seconds)
{
    if (zone.size == 1 && (zone.data[0] == 'Z' || zone.data[0] == 'z')) {
        *ret_seconds = 0;
        return 0;
    }
    if (zone.size != 6 || (zone.data[0] != '+' && zone.data[0] != '-') || zone.data[3] != ':')
        return -EINVAL;
    int hours = digits(zone.data + 1, 2), minutes = digits(zone.data + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return -EINVAL;
    *ret_seconds = (hours * 3600 + minutes * 60) * (zone.data[0] == '-' ? -1 : 1);
    return 0;
}

int rfc3339_parse(struct span text, int64_t *ret_ns)
{
    const char *p = text.data;
    if (text.size < 20 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != 't') ||
        p[13] != ':' || p[16] != ':')
        return -EINVAL;
    int year = digits(p, 4), month = digits(p + 5, 2), day = digits(p + 8, 2);
    int hour = digits(p + 11, 2), minute = digits(p + 14, 2), second = digits(p + 17, 2);
    if (!date_valid(year, month, day) || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 60)
        return -EINVAL;

    size_t at = 19;
    int64_t ns = fraction_ns(text, &at);
    int zone;
    if (ns < 0 || zone_offset((struct span){p + at, text.size - at}, &zone) < 0)
        return -EINVAL;

    int64_t seconds = rfc3339_days(year, (unsigned)month, (unsigned)day) * 86400 + hour * 3600 +
                      minute * 60 + second - zone;
    if (seconds == rfc3339_days(1, 1, 1) * 86400 && ns == 0) {
        *ret_ns = RFC3339_ZERO_NS;
        return 0;
    }
    int64_t whole;
    if (__builtin_mul_overflow(seconds, NS_PER_SECOND, &whole) ||
        __builtin_add_overflow(whole, ns, &whole) || whole == RFC3339_ZERO_NS)
        return -EINVAL;
    *ret_ns = whole;
    return 0;
}

static void put_digits(char *to, unsigned value, int count)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        to[i] = (char)('0' + value % 10);
}

void rfc3339_format(char to[RFC3339_SIZE], int64_t ns)
{
    if (ns == RFC3339_ZERO_NS) {
        memcpy(to, "0001-01-01T00:00:00.000000000Z", RFC3339_SIZE);
        return;
    }
    int64_t seconds = ns / NS_PER_SECOND, fraction = ns % NS_PER_SECOND;
    if (fraction < 0) {
        fraction += NS_PER_SECOND;
        seconds--;
    }
    int64_t days = seconds / 86400, of_day = seconds % 86400;
    if (of_day < 0) {
        of_day += 86400;
        days--;
    }
    int64_t year;
    unsigned month, day;
    date_of_days(days, &year, &month, &day);

    memcpy(to, "0000-00-00T00:00:00.000000000Z", RFC3339_SIZE);
    put_digits(to, (unsigned)year, 4);
    put_digits(to + 5, month, 2);
    put_digits(to + 8, day, 2);
    put_digits(to + 11, (unsigned)(of_day / 3600), 2);
    put_digits(to + 14, (unsigned)(of_day / 60 % 60), 2);
    put_digits(to + 17, (unsigned)(of_day % 60), 2);
    put_digits(to + 20, (unsigned)fraction, 9);
}
