"""Write results of cases as JUnit XML, which CI servers read.  rulesets.cases -> [junit] -> a file"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from rulefarm.errors import SourceRejected
from rulefarm.escaping import visible
from rulesets.cases import CaseResult


def write_junit(path: Path, results: Mapping[str, Sequence[CaseResult]]) -> None:
    """Write one suite a domain, one case a case.

    Args:
        path: of the file, which is replaced.
        results: by domain.

    Raises:
        SourceRejected: `unwritable-file`.
    """
    suites = ElementTree.Element("testsuites")
    for domain, of_domain in results.items():
        failures = sum(not result.passed for result in of_domain)
        counts = {"name": domain, "tests": str(len(of_domain)), "failures": str(failures), "errors": "0"}
        suite = ElementTree.SubElement(suites, "testsuite", counts)
        for result in of_domain:
            # XML has no form for most controls, escaped or not.
            case = ElementTree.SubElement(suite, "testcase", classname=domain, name=visible(result.case.name))
            if not result.passed:
                lines = [visible(difference) for difference in result.differences]
                failure = ElementTree.SubElement(case, "failure", message=lines[0])
                failure.text = "\n".join(lines)
    ElementTree.indent(suites)
    try:
        ElementTree.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise SourceRejected("unwritable-file", f"{path} can't be written: {error.strerror}") from None
