"""What is examined, one file for each thing; every probe takes a machine and answers with lines."""
