#!/usr/bin/python3
"""Mutated stanzas read by our parser and by libxml2: the same tree, or ours refuses. What one server reads
otherwise than the client behind it is how stanzas are smuggled."""
import os
import random
import struct
import subprocess
import sys

try:
    import lxml.etree as etree
except ImportError:
    print("skipped: python3-lxml is not installed")
    sys.exit(77)

BUILD = os.environ.get("top_builddir", os.getcwd())
COUNT = int(os.environ.get("ROOKERY_MUTANTS", "100000"))
SEED = 20261121
WRAP = (b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>", b"</stream:stream>")
SEEDS = (
    b"<message to='a@b/c' type=\"chat\" id='1'><body>Hark &amp; hear &lt;3</body></message>",
    b"<iq type='get' id='x'><query xmlns='jabber:iq:roster' ver='1'/></iq>",
    b"<presence xml:lang='en'><show>away</show><c xmlns='http://jabber.org/protocol/caps' node='n' ver='v'/></presence>",
    b"<message><x:a xmlns:x='urn:x' x:b='1' c='2'><x:d/>text<![CDATA[<raw>]]>more</x:a></message>",
    "<message><body>\u00e4\u20ac\U0001f600 &#65;&#x42;&#10;</body></message>".encode(),
    b"<message a='&quot;&apos;&#9;x  y'>\r\n<body>\rline</body></message>",
    b"<a xmlns='u1'><b xmlns='u2'><c xmlns='u1'/></b><b/></a><presence/>",
)
PIECES = (b"<", b">", b"/", b"'", b'"', b"&", b";", b"=", b" ", b"]]>", b"<![CDATA[", b"<!--x-->", b"<?p i?>", b"&#0;",
          b"&#xD800;", b"&x;", b"xmlns=''", b"xmlns:x=''", b"</message>", b"</stream:stream>", b"<stream:stream>",
          b"\x00", b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbf\xbe", b"\xc2\x85", b"\r", b"\t", b"x:y",
          b"<x:a xmlns:x='\xff'/>", b"<!DOCTYPE a>")


def mutate(random_source):
    text = bytearray(random_source.choice(SEEDS))
    for _ in range(random_source.randrange(0, 4)):
        at = random_source.randrange(len(text) + 1)
        kind = random_source.randrange(4)
        if kind == 0:
            text[at:at] = random_source.choice(PIECES)
        elif kind == 1:
            del text[at:at + random_source.randrange(1, 4)]
        elif kind == 2 and at < len(text):
            text[at] = random_source.randrange(256)
        else:
            end = min(len(text), at + random_source.randrange(1, 20))
            text[at:at] = text[at:end]
    return bytes(text)


def tree(element):
    return (element.tag, sorted(element.attrib.items()), element.text or "",
            [(tree(child), child.tail or "") for child in element])


def read_by_libxml(stanzas):
    """The trees of all children of the stream; None where libxml2 refuses. That a namespace is no URI is
    no error of XML, and libxml2 reads on."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, strip_cdata=True)
    root = etree.fromstring(WRAP[0] + stanzas + WRAP[1], parser)
    if root is None or any(error.domain_name != "NAMESPACE" or error.type_name != "WAR_NS_URI"
                           for error in parser.error_log if error.level_name != "WARNING"):
        return None
    if any(not isinstance(node.tag, str) for node in root.iter()):
        return None     # comments and processing instructions: XMPP refuses what XML allows
    return [tree(child) for child in root]


def main():
    source = random.Random(SEED)
    program = subprocess.Popen([os.path.join(BUILD, "tests", "fuzz", "xml_echo")],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    same = refused = 0
    for number in range(COUNT):
        stanzas = mutate(source)
        program.stdin.write(struct.pack("=I", len(stanzas)) + stanzas)
        program.stdin.flush()
        written = program.stdout.read(struct.unpack("=I", program.stdout.read(4))[0])
        if not written:
            refused += 1
            continue
        theirs, ours = read_by_libxml(stanzas), read_by_libxml(written)
        if theirs is None or theirs != ours:
            print("FAIL mutant %d\n  in:   %r\n  out:  %r\n  they: %r" % (number, stanzas, written, theirs))
            print("0 passed, 1 failed")
            return 1
        same += 1
    program.stdin.close()
    print("ok   %d mutants: %d read alike, %d refused" % (COUNT, same, refused))
    is_telling = same > COUNT // 10 and refused > COUNT // 10
    print("%d passed, %d failed" % (is_telling, not is_telling))
    return 0 if is_telling and program.wait(10) == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
