/* names.h -- the namespaces this server knows, as small numbers. */
#pragma once

#include "base/slice.h"

/* NS_NONE: no namespace at all. NS_OTHER: one that is not in this list; its text stands in the element. */
enum xml_namespace {
	NS_NONE = 0,
	NS_OTHER,
#define XML_NAMESPACE(symbol, uri) symbol,
#include "xml/namespaces.def"
#undef XML_NAMESPACE
	NS_COUNT
};

/* NS_OTHER for what is not in the list; constant time in the size of the list. */
enum xml_namespace names_find(struct slice uri);

/* The text of one in the list; empty for NS_NONE and NS_OTHER. */
struct slice	   names_uri(enum xml_namespace ns);
