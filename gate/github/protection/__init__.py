"""The deployment protection rule: what is asked, how it is answered, in which words."""
