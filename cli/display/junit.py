"""Write results of cases as JUnit XML, which CI servers read.  rulesets.cases -> [junit] -> a file"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from cli.display.report_file import write_report
from rulefarm.escaping import visible
from rulesets.cases import CaseResult


def write_junit(path: Path, results: Mapping[str, Sequence[CaseResult]]) -> None:
    """Write one suite a domain, one case a case.

    Args:
        path: of the file, which is replaced.
        results: by domain.

    Raises:
        RulefarmError: `unwritable-file`.
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
    write_report(path, ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True))
