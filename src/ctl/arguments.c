/* arguments.c -- the command line: options anywhere, then a command and its operand. */
#include "ctl/arguments.h"

#include "ctl/command.h"

struct reading {
	struct arguments *arguments;
	unsigned options; /* enum command_option: those given */
	const char *word[3];
	int words;
	struct buffer *why;
};

static bool
fail(struct reading *reading, const char *text, const char *about)
{
	buffer_printf(reading->why, "%s%s%s", about != NULL ? about : "",
		      about != NULL ? ": " : "", text);
	return false;
}

/* "--count=5" or "--count 5". NULL: there is no value. */
static const char *
value_of(const char *option, const char *equals, char **argv, int argc, int *i)
{
	if (equals != NULL)
		return equals + 1;
	return *i + 1 < argc ? argv[++*i] : NULL;
}

static bool
read_count(struct reading *reading, const char *text)
{
	int64_t count;

	if (!slice_to_int(slice_from_text(text), 1, INT64_MAX, &count))
		return fail(reading, "must be a number above 0", "--count");
	reading->arguments->count = (uint64_t)count;
	reading->options |= COMMAND_COUNT;
	return true;
}

static bool
read_option(struct reading *reading, char **argv, int argc, int *i)
{
	const char *text = argv[*i];
	const char *equals = text[1] == '-' ? strchr(text, '=') : NULL;
	struct slice name =
	    slice_of(text, equals != NULL ? (size_t)(equals - text) : strlen(text));
	bool takes_value = slice_is(name, "-c") || slice_is(name, "--config") ||
			   slice_is(name, "--count");
	const char *value = NULL;

	if (takes_value) {
		value = value_of(text, equals, argv, argc, i);
		if (value == NULL)
			return fail(reading, "needs a value", text);
	} else if (equals != NULL) {
		return fail(reading, "there is no such option with a value", text);
	}
	if (slice_is(name, "--count"))
		return read_count(reading, value);
	if (takes_value) {
		reading->arguments->config_path = value;
	} else if (slice_is(name, "--json")) {
		reading->arguments->json = true;
		reading->options |= COMMAND_JSON;
	} else if (slice_is(name, "--sample")) {
		reading->arguments->sample = true;
		reading->options |= COMMAND_SAMPLE;
	} else if (slice_is(name, "-h") || slice_is(name, "--help")) {
		reading->arguments->command = command_find("help");
	} else if (slice_is(name, "-V") || slice_is(name, "--version")) {
		reading->arguments->command = command_find("version");
	} else {
		return fail(reading, "there is no such option", text);
	}
	return true;
}

static bool
read_word(struct reading *reading, const char *text)
{
	if (reading->words == 2)
		return fail(reading, "one too many", text);
	reading->word[reading->words++] = text;
	return true;
}

/* `rookeryctl sessions --help` explains that command. */
static bool
find_help(struct reading *reading)
{
	struct arguments *arguments = reading->arguments;

	arguments->operand = reading->words > 0 ? reading->word[0] : NULL;
	return true;
}

static bool
find_command(struct reading *reading)
{
	struct arguments *arguments = reading->arguments;
	const struct command *command;

	if (reading->words == 0)
		return fail(reading, "what shall be done?", NULL);
	command = command_find(reading->word[0]);
	if (command == NULL)
		return fail(reading, "there is no such command", reading->word[0]);
	arguments->command = command;
	arguments->operand = reading->words > 1 ? reading->word[1] : NULL;
	if (arguments->operand != NULL && command->operand == NULL)
		return fail(reading, "takes no argument", command->name);
	if (arguments->operand == NULL && command->operand != NULL &&
	    command->operand[0] != '[')
		return fail(reading, "what it is for is missing", command->name);
	if ((reading->options & ~command->options) != 0)
		return fail(reading, "does not take that option", command->name);
	return true;
}

bool
arguments_parse(int argc, char **argv, struct arguments *arguments, struct buffer *why)
{
	struct reading reading = { .arguments = arguments, .why = why };
	bool has_options = true;

	*arguments = (struct arguments){ .config_path =
					     ROOKERY_SYSCONFDIR "/rookery/rookery.conf" };
	for (int i = 1; i < argc; i++) {
		if (has_options && strcmp(argv[i], "--") == 0) {
			has_options = false;
		} else if (has_options && argv[i][0] == '-' && argv[i][1] != '\0') {
			if (!read_option(&reading, argv, argc, &i))
				return false;
		} else if (!read_word(&reading, argv[i])) {
			return false;
		}
	}
	return arguments->command != NULL ? find_help(&reading) : find_command(&reading);
}
