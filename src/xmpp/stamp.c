/* stamp.c -- reading dates and times of XEP-0082. */
#include "xmpp/stamp.h"

/* Takes so many digits, and the character behind them where one is named. */
static bool
take_number(struct slice *text, size_t digits, char behind, int64_t *number)
{
	size_t taken = digits + (behind != 0);

	*number = 0;
	if (text->length < taken || (behind != 0 && text->data[digits] != behind))
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (text->data[i] < '0' || text->data[i] > '9')
			return false;
		*number = *number * 10 + (text->data[i] - '0');
	}
	*text = slice_after(*text, taken);
	return true;
}

static int64_t
days_of_month(int64_t year, int64_t month)
{
	static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && is_leap);
}

/* Since 1970-01-01, of the Gregorian calendar: years are counted from March, when leap days are last. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

static bool
take_date(struct slice *text, int64_t *days)
{
	int64_t year, month, day;

	if (!take_number(text, 4, '-', &year) || !take_number(text, 2, '-', &month) ||
	    !take_number(text, 2, 'T', &day) || year == 0 || month < 1 || month > 12 ||
	    day < 1 || day > days_of_month(year, month))
		return false;
	*days = days_of(year, month, day);
	return true;
}

/* A leap second counts as the one after it. */
static bool
take_time(struct slice *text, int64_t *seconds)
{
	int64_t hour, minute, second;

	if (!take_number(text, 2, ':', &hour) || !take_number(text, 2, ':', &minute) ||
	    !take_number(text, 2, 0, &second) || hour > 23 || minute > 59 || second > 60)
		return false;
	*seconds = (hour * 60 + minute) * 60 + second;
	return true;
}

static bool
take_fraction(struct slice *text, int64_t *us)
{
	int64_t unit = 100000, digits = 0;

	*us = 0;
	if (text->length == 0 || text->data[0] != '.')
		return true;
	*text = slice_after(*text, 1);
	for (; text->length > 0 && text->data[0] >= '0' && text->data[0] <= '9'; digits++) {
		*us += (text->data[0] - '0') * unit;
		unit /= 10;
		*text = slice_after(*text, 1);
	}
	return digits > 0;
}

static bool
take_zone(struct slice *text, int64_t *seconds)
{
	int64_t hour, minute;
	bool is_west;

	*seconds = 0;
	if (slice_is(*text, "Z"))
		return true;
	if (text->length != 6 || (text->data[0] != '+' && text->data[0] != '-'))
		return false;
	is_west = text->data[0] == '-';
	*text = slice_after(*text, 1);
	if (!take_number(text, 2, ':', &hour) || !take_number(text, 2, 0, &minute) ||
	    hour > 23 || minute > 59)
		return false;
	*seconds = (hour * 60 + minute) * 60 * (is_west ? -1 : 1);
	return true;
}

bool
stamp_read(struct slice text, uint64_t *wall_us)
{
	int64_t days, seconds, us, zone;

	if (!take_date(&text, &days) || !take_time(&text, &seconds) ||
	    !take_fraction(&text, &us) || !take_zone(&text, &zone))
		return false;
	seconds += days * 86400 - zone;
	*wall_us = seconds < 0 ? 0 : (uint64_t)seconds * 1000000 + (uint64_t)us;
	return true;
}
