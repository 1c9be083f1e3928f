# made by the packaging work
