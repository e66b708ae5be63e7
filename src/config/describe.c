/* describe.c -- the options in words: manual, sample file and the values in use. */
#include "config/config.h"

#include <ctype.h>

#include "config/option_value.h"

static const char *
type_text(enum option_type type)
{
	static const char *const texts[] = {
		[OPTION_BOOL] = "true or false", [OPTION_NUMBER] = "number",
		[OPTION_DURATION] = "duration", [OPTION_BYTES] = "size", [OPTION_TEXT] = "text",
		[OPTION_PATH] = "absolute path", [OPTION_CHOICE] = "choice",
		[OPTION_LIST] = "list of texts",
	};

	return texts[type];
}

static bool
has_range(const struct option_row *row)
{
	return row->type == OPTION_NUMBER || row->type == OPTION_DURATION ||
	    row->type == OPTION_BYTES;
}

/* The default as the file would say it; empty when there is none. */
static void
write_default(const struct option_row *row, struct buffer *out)
{
	union { struct config config; struct config_host host; } scratch;
	struct arena arena;

	memset(&scratch, 0, sizeof(scratch));
	arena_init(&arena);
	option_set_fallback(row, &scratch, &arena);
	option_write(row, &scratch, out);
	arena_clear(&arena);
}

static void
write_choices(const struct option_row *row, struct buffer *out)
{
	for (size_t i = 0; row->choices[i] != NULL; i++)
		buffer_printf(out, "%s\"%s\"", i > 0 ? ", " : "", row->choices[i]);
}

/* "Duration, 1 s to 10 min. Default "30 s". A reload applies it." */
static void
write_facts(const struct option_row *row, struct buffer *out)
{
	const char *type = type_text(row->type);

	buffer_append_byte(out, (char)toupper((unsigned char)type[0]));
	buffer_append_text(out, type + 1);
	if (has_range(row)) {
		buffer_append_text(out, ", ");
		option_write_range(row, out);
	}
	if (row->choices != NULL) {
		buffer_append_text(out, row->type == OPTION_LIST ? ", each one of " : " of ");
		write_choices(row, out);
	}
	buffer_append_text(out, ". ");
	if (row->fallback == NULL) {
		buffer_append_text(out, "No default. ");
	} else {
		buffer_append_text(out, "Default ");
		write_default(row, out);
		buffer_append_text(out, ". ");
	}
	buffer_append_text(out, row->reload == OPTION_RELOAD ? "A reload applies it."
							     : "A change needs a restart.");
}

static bool
is_sentence_end(struct slice text, size_t i)
{
	return text.data[i] == '.' && i + 1 < text.length && text.data[i + 1] == ' ';
}

/* One sentence a line, as mdoc likes it; what the formatter would read as its own is escaped. */
static void
write_mdoc(struct slice text, FILE *out)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] == '\\')
			fputs("\\e", out);
		else if (text.data[i] == '"')
			fputs("\\(dq", out);
		else
			fputc(text.data[i], out);
		if (is_sentence_end(text, i)) {
			fputc('\n', out);
			i++;
		}
	}
	fputc('\n', out);
}

static void
write_manual_row(const struct option_row *row, FILE *out)
{
	struct buffer facts;

	buffer_init(&facts);
	write_facts(row, &facts);
	if (row->scope == OPTION_HOST)
		buffer_append_text(&facts, " May stand in a host.");
	fprintf(out, ".It Ic %s\n", row->name);
	write_mdoc(slice_from_text(row->about), out);
	fputs(".br\n", out);
	write_mdoc(buffer_slice(&facts), out);
	buffer_clear(&facts);
}

void
config_write_manual(FILE *out)
{
	size_t count;
	const struct option_row *rows = config_options(&count);

	for (size_t i = 0; i < count; i++) {
		if (i == 0 || strcmp(rows[i].group, rows[i - 1].group) != 0)
			fprintf(out, "%s.Ss %s\n.Bl -tag -width Ds\n", i > 0 ? ".El\n" : "",
			    rows[i].group);
		write_manual_row(&rows[i], out);
	}
	fputs(".El\n", out);
}

#define SAMPLE_WIDTH 78

/* A comment of lines that end between words. */
static void
write_comment(struct slice text, FILE *out)
{
	size_t column = 0;

	while (text.length > 0) {
		size_t word = slice_find(text, ' ');

		if (column > 0 && column + 1 + word > SAMPLE_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		column += (size_t)fprintf(out, "%s" SLICE_FMT, column == 0 ? "# " : " ",
		    (int)word, text.data);
		text = slice_after(text, word < text.length ? word + 1 : word);
	}
	fputc('\n', out);
}

static void
write_sample_row(const struct option_row *row, FILE *out)
{
	struct buffer text;

	buffer_init(&text);
	write_facts(row, &text);
	fputc('\n', out);
	write_comment(slice_from_text(row->about), out);
	write_comment(buffer_slice(&text), out);
	buffer_empty(&text);
	write_default(row, &text);
	if (buffer_length(&text) == 0)
		fprintf(out, "#%s = \"/etc/rookery/example.org.%s\";\n", row->name,
		    strcmp(row->name, "key") == 0 ? "key" : "crt");
	else
		fprintf(out, "#%s = " SLICE_FMT ";\n", row->name,
		    SLICE_ARG(buffer_slice(&text)));
	buffer_clear(&text);
}

static void
write_sample_rows(enum option_scope scope, FILE *out)
{
	const char *group = "";
	size_t count;
	const struct option_row *rows = config_options(&count);

	for (size_t i = 0; i < count; i++) {
		if (rows[i].scope != scope)
			continue;
		if (strcmp(rows[i].group, group) != 0)
			fprintf(out, "\n\n# --- %s ---\n", rows[i].group);
		group = rows[i].group;
		write_sample_row(&rows[i], out);
	}
}

void
config_write_sample(FILE *out)
{
	fputs("# rookery.conf -- the configuration of rookeryd; see rookery.conf(5).\n"
	      "#\n"
	      "# Every option is shown with its default. Take the # away before a name to change it.\n"
	      "\n"
	      "# The domains this server is responsible for.\n"
	      "hosts = (\n"
	      "\t{ name = \"localhost\"; }\n"
	      "\t# , { name = \"example.org\";\n"
	      "\t#     certificate = \"/etc/rookery/example.org.crt\";\n"
	      "\t#     key = \"/etc/rookery/example.org.key\";\n"
	      "\t#     admins = [ \"alice@example.org\" ]; }\n"
	      ");\n", out);
	write_sample_rows(OPTION_SERVER, out);
	fputs("\n\n# What follows may stand here, for all hosts, or in one host.\n", out);
	write_sample_rows(OPTION_HOST, out);
}

static void
write_values(enum option_scope scope, const void *base, const char *indent, FILE *out)
{
	struct buffer text;
	size_t count;
	const struct option_row *rows = config_options(&count);

	buffer_init(&text);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].scope != scope)
			continue;
		buffer_empty(&text);
		option_write(&rows[i], base, &text);
		if (buffer_length(&text) > 0)
			fprintf(out, "%s%s = " SLICE_FMT ";\n", indent, rows[i].name,
			    SLICE_ARG(buffer_slice(&text)));
	}
	buffer_clear(&text);
}

void
config_write_values(const struct config *config, FILE *out)
{
	struct buffer name;

	buffer_init(&name);
	write_values(OPTION_SERVER, config, "", out);
	fputs("hosts = (\n", out);
	for (size_t i = 0; i < config->host_count; i++) {
		buffer_empty(&name);
		option_write_text(slice_from_text(config->hosts[i].name), &name);
		fprintf(out, "\t{\n\t\tname = " SLICE_FMT ";\n", SLICE_ARG(buffer_slice(&name)));
		write_values(OPTION_HOST, &config->hosts[i], "\t\t", out);
		fprintf(out, "\t}%s\n", i + 1 < config->host_count ? "," : "");
	}
	fputs(");\n", out);
	buffer_clear(&name);
}
